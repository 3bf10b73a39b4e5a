# Image decoders under sanitizers. Included by the top Makefile; paths are relative to the project's root.
#
#   make sanitize        the tests' files (and CYCLEGAN_STYLED_CORPUS, where set), whole, cut short and damaged, under
#                        AddressSanitizer and UndefinedBehaviorSanitizer
#   make fuzz            both decoders under libFuzzer, FUZZ_SECONDS each; the corpus grows in .build-fuzz/corpus-*
#   make fuzz-jpeg, make fuzz-png

FUZZ_SECONDS ?= 600
FUZZ_BUILD := .build-fuzz
FUZZ_C := $(wildcard Sources/CImageCodecs/*.c)
FUZZ_HEADERS := $(wildcard Sources/CImageCodecs/*.h Sources/CImageCodecs/include/*)
FUZZ_SWIFT := $(wildcard Sources/Photos/*.swift) Tests/Fuzz/Exercise.swift
FUZZ_OBJECTS := $(notdir $(FUZZ_C:.c=.o))
FUZZ_SEEDS := Tests/PhotosTests/files

# The C that a fuzzer watches reports its coverage; elsewhere that hook does not exist.
FUZZ_CFLAGS := -g -O1 -fno-omit-frame-pointer -ISources/CImageCodecs/include \
	-fsanitize=address,undefined -fno-sanitize-recover=undefined
FUZZ_SWIFTFLAGS := -swift-version 6 -gline-tables-only -O -wmo -parse-as-library -use-ld=lld \
	-I Sources/CImageCodecs/include -I Sources/CLittleCMS
# Swift's option for undefined behaviour is missing on Linux; AddressSanitizer's runtime holds what C's needs.
FUZZ_LIBS := -ljpeg -lpng16 -lz -llcms2 -lm

.PHONY: sanitize fuzz fuzz-jpeg fuzz-png
.SECONDARY:

$(FUZZ_BUILD)/plain/%.o: Sources/CImageCodecs/%.c $(FUZZ_HEADERS)
	@mkdir -p $(@D)
	clang $(FUZZ_CFLAGS) -c $< -o $@

$(FUZZ_BUILD)/covered/%.o: Sources/CImageCodecs/%.c $(FUZZ_HEADERS)
	@mkdir -p $(@D)
	clang $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link -c $< -o $@

$(FUZZ_BUILD)/sanitize: $(FUZZ_SWIFT) Tests/Fuzz/Sanitize.swift $(addprefix $(FUZZ_BUILD)/plain/,$(FUZZ_OBJECTS))
	swiftc $(FUZZ_SWIFTFLAGS) -sanitize=address $^ $(FUZZ_LIBS) -o $@

$(FUZZ_BUILD)/fuzz-%: $(FUZZ_SWIFT) Tests/Fuzz/FuzzTarget.swift $(addprefix $(FUZZ_BUILD)/covered/,$(FUZZ_OBJECTS))
	swiftc $(FUZZ_SWIFTFLAGS) -sanitize=fuzzer,address $^ $(FUZZ_LIBS) \
		-D FUZZ_$(shell echo $* | tr a-z A-Z) -o $@

sanitize: $(FUZZ_BUILD)/sanitize
	UBSAN_OPTIONS=print_stacktrace=1 $< $(FUZZ_SEEDS) $(CYCLEGAN_STYLED_CORPUS:%=%/images)

fuzz-jpeg fuzz-png: fuzz-%: $(FUZZ_BUILD)/fuzz-%
	@mkdir -p $(FUZZ_BUILD)/corpus-$*
	$< -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=1024 -max_len=100000 -artifact_prefix=$(FUZZ_BUILD)/ \
		$(FUZZ_BUILD)/corpus-$* $(FUZZ_SEEDS)

fuzz: fuzz-jpeg fuzz-png
