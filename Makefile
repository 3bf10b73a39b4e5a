# make demo      a photo through the service, start to end
# make test      every test
# make install   into the system (DESTDIR=, PREFIX=/usr)
# make deb       Debian packages
# make help      the rest

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c

# Tests need -enable-testing; the same build gives the demo its programs, so there is one build.
BUILD_FLAGS := -c release -Xswiftc -enable-testing
PROGRAMS_DIRECTORY = $$(swift build $(BUILD_FLAGS) --show-bin-path)
# libcurl is what the static build of `weights fetch` links.
PACKAGES := libopenblas-dev libsystemd-dev libpng-dev libjpeg-dev liblcms2-dev libsqlite3-dev libcurl4-openssl-dev \
	libssl-dev zlib1g-dev libexpat1-dev libheif-dev libwebp-dev libtiff-dev pkg-config

.PHONY: help deps build test demo man lint bench deb package-test clean
.DEFAULT_GOAL := help

help: ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /make \1\t/' | expand -t 18

deps: ## install what is missing of Debian's packages
	@command -v swift >/dev/null || { echo "Swift 6.1 or later is needed: https://www.swift.org/install" >&2; exit 1; }
	@missing=; for p in $(PACKAGES); do \
		[ "$$(dpkg-query -W -f '$${db:Status-Status}' $$p 2>/dev/null)" = installed ] || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then \
		echo "Installing missing packages:$$missing"; \
		sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
		$$sudo apt-get update -q && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing; \
	fi

build: deps ## build the programs and the tests
	swift build $(BUILD_FLAGS) --build-tests

test: build ## run every test (as root also those under a systemd of their own)
	swift test $(BUILD_FLAGS) --skip-build

demo: build ## start the service on ./demo, drop a photo (PHOTO=path) and show the picture
	docs/sample/demo.sh "$(PROGRAMS_DIRECTORY)" "$(PHOTO)"

man: build ## write the reference parts of the manual pages anew
	docs/man/update.sh "$(PROGRAMS_DIRECTORY)"

# What only some targets need is added to what `deps` looks for.
lint: PACKAGES := clang-format
deb: PACKAGES += debhelper
package-test: PACKAGES := debootstrap systemd-container

lint: deps ## style: is everything laid out as .swift-format and .clang-format have it?
	Tests/Lint/lint.sh

bench: build ## this machine's speed: the default model's network, the paper's, a training step
	"$(PROGRAMS_DIRECTORY)/cyclegan-style" bench inference --base-channels 32 --residual-blocks 6 --upsampling bilinear
	"$(PROGRAMS_DIRECTORY)/cyclegan-style" bench inference
	"$(PROGRAMS_DIRECTORY)/cyclegan-style" bench training --base-channels 32 --residual-blocks 6 --upsampling bilinear --crop-size 128

deb: deps ## Debian packages, into .build/deb
	mkdir -p .build/deb && rm -f .build/deb/*.deb
	debian/rules clean binary DEB_DIRECTORY=$(CURDIR)/.build/deb
	@ls -l .build/deb

package-test: deps ## the packages in a fresh Debian 12, booted, and as a container (root; make deb first)
	Tests/Package/package-test.sh
	Tests/Package/container-test.sh

clean: ## remove what was built and the demo
	rm -rf .build .build-* demo

include systemd/install.mk
include Tests/Fuzz/fuzz.mk
static install: deps
