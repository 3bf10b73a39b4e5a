# make install [DESTDIR=] [PREFIX=/usr]: the programs, the models, the unit and everything around it.
# Without DESTDIR it also creates the account and the directories and tells systemd. Included by the Makefile.

PREFIX ?= /usr
DESTDIR ?=
SWIFT ?= swift
STATIC_SCRATCH ?= .build/static
STATIC_FLAGS = -c release --static-swift-stdlib --scratch-path $(STATIC_SCRATCH)
# Systemd looks for units and the like of its own installation in /usr/lib, and for local ones in /usr/local/lib.
SYSTEMD_LIBRARY = $(DESTDIR)$(PREFIX)/lib
SHARE = $(DESTDIR)$(PREFIX)/share/cyclegan-styled
DOCUMENTATION = $(DESTDIR)$(PREFIX)/share/doc/cyclegan-styled
CONFIGURATION = $(DESTDIR)/etc/cyclegan-styled

.PHONY: static install uninstall

static: ## build the two programs so that they run where there is no Swift
	$(SWIFT) build $(STATIC_FLAGS) --product cyclegan-styled
	$(SWIFT) build $(STATIC_FLAGS) --product cyclegan-style

install: static ## install the programs, models, unit and configuration
	install -D -m 755 $(STATIC_SCRATCH)/release/cyclegan-styled $(DESTDIR)$(PREFIX)/sbin/cyclegan-styled
	install -D -m 755 $(STATIC_SCRATCH)/release/cyclegan-style $(DESTDIR)$(PREFIX)/bin/cyclegan-style
	install -d -m 755 $(SHARE)/models
	install -m 644 Sources/StyleService/models/*.safetensors $(SHARE)/models/
	install -d -m 755 $(SYSTEMD_LIBRARY)/systemd/system $(SYSTEMD_LIBRARY)/systemd/catalog $(SYSTEMD_LIBRARY)/sysusers.d $(SYSTEMD_LIBRARY)/tmpfiles.d
	sed -e 's,/usr/sbin/,$(PREFIX)/sbin/,' -e 's,/usr/bin/,$(PREFIX)/bin/,' -e 's,/usr/share/,$(PREFIX)/share/,' \
		systemd/cyclegan-styled.service > $(SYSTEMD_LIBRARY)/systemd/system/cyclegan-styled.service
	chmod 644 $(SYSTEMD_LIBRARY)/systemd/system/cyclegan-styled.service
	install -m 644 systemd/cyclegan-styled.catalog $(SYSTEMD_LIBRARY)/systemd/catalog/cyclegan-styled.catalog
	install -m 644 systemd/cyclegan-styled.sysusers $(SYSTEMD_LIBRARY)/sysusers.d/cyclegan-styled.conf
	install -m 644 systemd/cyclegan-styled.tmpfiles $(SYSTEMD_LIBRARY)/tmpfiles.d/cyclegan-styled.conf
	install -D -m 644 docs/service.md $(DOCUMENTATION)/service.md
	install -D -m 644 etc/cyclegan-styled/config.yaml $(SHARE)/config.yaml
	install -d -m 755 $(CONFIGURATION)/conf.d
# A configuration that somebody has edited stays; the current one with all its comments is in share.
	test -e $(CONFIGURATION)/config.yaml || install -m 644 etc/cyclegan-styled/config.yaml $(CONFIGURATION)/config.yaml
ifeq ($(DESTDIR),)
	systemd-sysusers $(PREFIX)/lib/sysusers.d/cyclegan-styled.conf
	systemd-tmpfiles --create $(PREFIX)/lib/tmpfiles.d/cyclegan-styled.conf
	if [ -d /run/systemd/system ]; then systemctl daemon-reload && journalctl --update-catalog; fi
	@echo "Installed. Start it: systemctl enable --now cyclegan-styled"
	@echo "Let people use it:   usermod -aG cyclegan-styled NAME"
endif

uninstall: ## remove what install put there; photos, ledger and configuration stay
	-[ -n "$(DESTDIR)" ] || [ ! -d /run/systemd/system ] || systemctl disable --now cyclegan-styled
	rm -f $(DESTDIR)$(PREFIX)/sbin/cyclegan-styled $(DESTDIR)$(PREFIX)/bin/cyclegan-style
	rm -f $(SYSTEMD_LIBRARY)/systemd/system/cyclegan-styled.service $(SYSTEMD_LIBRARY)/systemd/catalog/cyclegan-styled.catalog
	rm -f $(SYSTEMD_LIBRARY)/sysusers.d/cyclegan-styled.conf $(SYSTEMD_LIBRARY)/tmpfiles.d/cyclegan-styled.conf
	rm -rf $(SHARE) $(DOCUMENTATION)
	-[ -n "$(DESTDIR)" ] || [ ! -d /run/systemd/system ] || systemctl daemon-reload
