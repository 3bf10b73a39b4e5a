# make install [DESTDIR=] [PREFIX=/usr]: the program under its two names, the models, the unit and everything around it.
# Without DESTDIR it also creates the account and the directories and tells systemd. Included by the Makefile.

PREFIX ?= /usr
DESTDIR ?=
SWIFT ?= swift
STATIC_SCRATCH ?= .build/static
# The build id is how a debugger finds the symbols of a package that was stripped.
STATIC_FLAGS = -c release --static-swift-stdlib --scratch-path $(STATIC_SCRATCH) -Xlinker --build-id=sha1
# How the program is installed; the package's own build strips it later.
INSTALL_PROGRAM ?= install -s
export CYCLEGAN_STYLED_REVISION ?= $(shell git describe --always --dirty --abbrev=12 --exclude '*' 2>/dev/null)

# Systemd looks for units and the like of its own installation in /usr/lib, and for local ones in /usr/local/lib.
SYSTEMD_LIBRARY = $(DESTDIR)$(PREFIX)/lib
SHARE = $(DESTDIR)$(PREFIX)/share/cyclegan-styled
DOCUMENTATION = $(DESTDIR)$(PREFIX)/share/doc/cyclegan-styled
MAN = $(DESTDIR)$(PREFIX)/share/man
CONFIGURATION = $(DESTDIR)/etc/cyclegan-styled
BASH_COMPLETION = $(DESTDIR)$(PREFIX)/share/bash-completion/completions
ZSH_COMPLETION = $(DESTDIR)$(PREFIX)/share/zsh/vendor-completions
FISH_COMPLETION = $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
PROGRAMS = cyclegan-style cyclegan-styled

.PHONY: static install uninstall

include etc/static/static.mk

static: $(if $(filter true,$(SWIFT)),,$(ICU_DATA)) ## build the program so that it runs where there is no Swift
	CYCLEGAN_STYLED_ICU_DATA="$(abspath $(ICU_DATA)):$$(cat $(dir $(ICU_DATA))symbol 2>/dev/null)" \
		$(SWIFT) build $(STATIC_FLAGS) --product cyclegan-styled

install: static ## install the programs, models, unit, pages and configuration (DESTDIR=, PREFIX=/usr)
	$(INSTALL_PROGRAM) -D -m 755 $(STATIC_SCRATCH)/release/cyclegan-styled $(DESTDIR)$(PREFIX)/bin/cyclegan-style
# One program, which does what the name that it is called by says.
	install -d -m 755 $(DESTDIR)$(PREFIX)/sbin
	ln -sf ../bin/cyclegan-style $(DESTDIR)$(PREFIX)/sbin/cyclegan-styled
	install -d -m 755 $(SHARE)/models
	install -m 644 Sources/StyleModels/models/*.safetensors $(SHARE)/models/
	install -d -m 755 $(SHARE)/weights
	install -m 644 Sources/Installation/shipped/*.safetensors $(SHARE)/weights/
	install -d -m 755 $(SYSTEMD_LIBRARY)/systemd/system $(SYSTEMD_LIBRARY)/systemd/catalog $(SYSTEMD_LIBRARY)/sysusers.d $(SYSTEMD_LIBRARY)/tmpfiles.d
	sed -e 's,/usr/sbin/,$(PREFIX)/sbin/,' -e 's,/usr/bin/,$(PREFIX)/bin/,' -e 's,/usr/share/,$(PREFIX)/share/,' \
		systemd/cyclegan-styled.service > $(SYSTEMD_LIBRARY)/systemd/system/cyclegan-styled.service
	chmod 644 $(SYSTEMD_LIBRARY)/systemd/system/cyclegan-styled.service
	install -m 644 systemd/cyclegan-styled.catalog $(SYSTEMD_LIBRARY)/systemd/catalog/cyclegan-styled.catalog
	install -m 644 systemd/cyclegan-styled.sysusers $(SYSTEMD_LIBRARY)/sysusers.d/cyclegan-styled.conf
	install -m 644 systemd/cyclegan-styled.tmpfiles $(SYSTEMD_LIBRARY)/tmpfiles.d/cyclegan-styled.conf
	install -d -m 755 $(SHARE)/slurm $(SHARE)/kubernetes
	install -m 755 etc/slurm/cyclegan-style.sbatch etc/slurm/cyclegan-style-parallel $(SHARE)/slurm/
	install -m 644 etc/kubernetes/cyclegan-style-job.yaml $(SHARE)/kubernetes/
	install -D -m 644 docs/man/cyclegan-style.1 $(MAN)/man1/cyclegan-style.1
	install -D -m 644 docs/man/cyclegan-styled.yaml.5 $(MAN)/man5/cyclegan-styled.yaml.5
	install -D -m 644 docs/man/cyclegan-styled.8 $(MAN)/man8/cyclegan-styled.8
	install -d -m 755 $(BASH_COMPLETION) $(ZSH_COMPLETION) $(FISH_COMPLETION)
	set -e; umask 022; names=$$(mktemp -d); trap 'rm -rf "$$names"' EXIT; for name in $(PROGRAMS); do \
		ln -s "$$(realpath $(STATIC_SCRATCH)/release/cyclegan-styled)" "$$names/$$name"; \
		"$$names/$$name" --generate-completion-script bash | sed '1{/^#!/d}' > $(BASH_COMPLETION)/$$name; \
		"$$names/$$name" --generate-completion-script zsh > $(ZSH_COMPLETION)/_$$name; \
		"$$names/$$name" --generate-completion-script fish > $(FISH_COMPLETION)/$$name.fish; done
	install -d -m 755 $(DOCUMENTATION)
	install -m 644 docs/*.md NOTICE README.md CHANGELOG.md $(DOCUMENTATION)/
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
	rm -f $(MAN)/man1/cyclegan-style.1 $(MAN)/man5/cyclegan-styled.yaml.5 $(MAN)/man8/cyclegan-styled.8
	rm -f $(PROGRAMS:%=$(BASH_COMPLETION)/%) $(PROGRAMS:%=$(ZSH_COMPLETION)/_%) $(PROGRAMS:%=$(FISH_COMPLETION)/%.fish)
	rm -rf $(SHARE) $(DOCUMENTATION)
	-[ -n "$(DESTDIR)" ] || [ ! -d /run/systemd/system ] || { systemctl daemon-reload; journalctl --update-catalog; }
