# Image decoders under sanitizers. Included by the top Makefile; paths are relative to the project's root.
#
#   make sanitize        the tests' files (and CYCLEGAN_STYLED_CORPUS, where set), whole, cut short and damaged, under
#                        AddressSanitizer and UndefinedBehaviorSanitizer
#   make fuzz            every decoder under libFuzzer, FUZZ_SECONDS each; the corpus grows in .build-fuzz/corpus-*
#   make fuzz-jpeg and so on

FUZZ_SECONDS ?= 600
FUZZ_BUILD := .build-fuzz
FUZZ_C := $(wildcard Sources/CImageCodecs/*.c)
FUZZ_HEADERS := $(wildcard Sources/CImageCodecs/*.h Sources/CImageCodecs/include/*)
FUZZ_FORMATS := jpeg png heic avif webp tiff
FUZZ_SWIFT := $(wildcard Sources/Photos/*.swift Sources/Photos/*/*.swift) Tests/Fuzz/Exercise.swift
FUZZ_OBJECTS := $(notdir $(FUZZ_C:.c=.o))
FUZZ_SEEDS := Tests/PhotosTests/files

FUZZ_PACKAGES := $(shell for p in libheif libwebpdemux libtiff-4; do pkg-config --exists $$p && echo $$p; done)
FUZZ_PACKAGE_CFLAGS := $(if $(FUZZ_PACKAGES),$(shell pkg-config --cflags $(FUZZ_PACKAGES)))

# The C that a fuzzer watches reports its coverage; elsewhere that hook does not exist.
FUZZ_CFLAGS := -g -O1 -fno-omit-frame-pointer -ISources/CImageCodecs/include $(FUZZ_PACKAGE_CFLAGS) \
	-fsanitize=address,undefined -fno-sanitize-recover=undefined
FUZZ_SWIFTFLAGS := -swift-version 6 -I $(FUZZ_BUILD)/files -gline-tables-only -O -wmo -parse-as-library -use-ld=lld \
	-I Sources/CImageCodecs/include -I Sources/CLittleCMS -I Sources/CExpat
# Swift's option for undefined behaviour is missing on Linux; AddressSanitizer's runtime holds what C's needs.
FUZZ_LIBS := -ljpeg -lpng16 -lz -llcms2 -lexpat -lm $(if $(FUZZ_PACKAGES),$(shell pkg-config --libs $(FUZZ_PACKAGES)))

.PHONY: sanitize fuzz $(FUZZ_FORMATS:%=fuzz-%)
.SECONDARY:

$(FUZZ_BUILD)/plain/%.o: Sources/CImageCodecs/%.c $(FUZZ_HEADERS)
	@mkdir -p $(@D)
	clang $(FUZZ_CFLAGS) -c $< -o $@

$(FUZZ_BUILD)/covered/%.o: Sources/CImageCodecs/%.c $(FUZZ_HEADERS)
	@mkdir -p $(@D)
	clang $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link -c $< -o $@

# The module below Photos.
$(FUZZ_BUILD)/files/files.o: $(wildcard Sources/LinuxFiles/*.swift)
	@mkdir -p $(@D)
	printf 'module CLinux { header "%s" export * }\n' $(CURDIR)/Sources/CLinux/include/CLinux.h > $(@D)/module.modulemap
	swiftc -swift-version 6 -O -wmo -parse-as-library -module-name LinuxFiles -I $(@D) \
		-emit-module -emit-module-path $(@D)/LinuxFiles.swiftmodule -emit-object $^ -o $@

$(FUZZ_BUILD)/files/linux.o: $(wildcard Sources/CLinux/*.c) $(wildcard Sources/CLinux/include/*)
	@mkdir -p $(@D)
	clang -O1 -ISources/CLinux/include -nostdlib -r $(filter %.c,$^) -o $@

FUZZ_FILES := $(FUZZ_BUILD)/files/files.o $(FUZZ_BUILD)/files/linux.o

$(FUZZ_BUILD)/sanitize: $(FUZZ_FILES) $(FUZZ_SWIFT) Tests/Fuzz/Sanitize.swift $(addprefix $(FUZZ_BUILD)/plain/,$(FUZZ_OBJECTS))
	swiftc $(FUZZ_SWIFTFLAGS) -sanitize=address $^ $(FUZZ_LIBS) -o $@

$(FUZZ_BUILD)/fuzz: $(FUZZ_FILES) $(FUZZ_SWIFT) Tests/Fuzz/FuzzTarget.swift $(addprefix $(FUZZ_BUILD)/covered/,$(FUZZ_OBJECTS))
	swiftc $(FUZZ_SWIFTFLAGS) -sanitize=fuzzer,address $^ $(FUZZ_LIBS) -o $@

sanitize: $(FUZZ_BUILD)/sanitize ## the decoders under AddressSanitizer and UndefinedBehaviorSanitizer
	UBSAN_OPTIONS=print_stacktrace=1 $< $(FUZZ_SEEDS) $(CYCLEGAN_STYLED_CORPUS:%=%/images)

# libheif and what it decodes with are not instrumented, and an image of theirs takes longer.
$(FUZZ_FORMATS:%=fuzz-%): fuzz-%: $(FUZZ_BUILD)/fuzz
	@mkdir -p $(FUZZ_BUILD)/corpus-$*
	FUZZ_FORMAT=$* $< -max_total_time=$(FUZZ_SECONDS) -timeout=20 -rss_limit_mb=2048 -max_len=100000 \
		-artifact_prefix=$(FUZZ_BUILD)/ $(FUZZ_BUILD)/corpus-$* $(FUZZ_SEEDS)

fuzz: $(FUZZ_FORMATS:%=fuzz-%) ## every decoder under libFuzzer (FUZZ_SECONDS=600 each)
