# make demo      a photo through the service, start to end
# make test      every test
# make install   into the system (DESTDIR=, PREFIX=/usr)
# make help      the rest

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c

# Tests need -enable-testing; the same build gives the demo its programs, so there is one build.
BUILD_FLAGS := -c release -Xswiftc -enable-testing
# libcurl is what the static build of `weights fetch` links.
PACKAGES := libopenblas-dev libsystemd-dev libpng-dev libjpeg-dev liblcms2-dev libsqlite3-dev libcurl4-openssl-dev \
	zlib1g-dev pkg-config

.PHONY: help deps build test demo clean
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
	docs/sample/demo.sh "$$(swift build $(BUILD_FLAGS) --show-bin-path)" "$(PHOTO)"

clean: ## remove what was built and the demo
	rm -rf .build .build-* demo

include systemd/install.mk
include Tests/Fuzz/fuzz.mk
static install: deps
