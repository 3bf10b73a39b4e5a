# A static program that is half as large: Foundation's ICU data without what is never asked for. Included by systemd/install.mk.

ICU_DATA = $(STATIC_SCRATCH)/icu/selected.dat

$(ICU_DATA): etc/static/select-icu-data.c etc/static/static.mk
	@mkdir -p $(@D)
	clang -O1 -o $(@D)/select-icu-data $<
	set -e; cd $(@D); \
	library=$$($(SWIFT) -print-target-info | sed -n 's/.*"runtimeResourcePath": "\(.*\)".*/\1/p')_static/linux/lib_FoundationICU.a; \
	member=$$(nm -A --defined-only "$$library" 2>/dev/null | sed -n 's/^[^:]*:\([^:]*\):.* R icudt[0-9]*_dat$$/\1/p'); \
	[ -n "$$member" ] || { echo "$$library: the ICU data is not where it was expected; see etc/static/static.mk" >&2; exit 1; }; \
	ar p "$$library" "$$member" > whole.o; \
	nm whole.o | sed -n 's/.* R \(icudt[0-9]*_dat\)$$/\1/p' > symbol; \
	objcopy -O binary -j .rodata whole.o whole.dat; \
	./select-icu-data < whole.dat > selected.new; \
	rm whole.o whole.dat; \
	mv selected.new selected.dat
