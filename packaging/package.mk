# make package: the archive and the image of this machine's architecture, in dist/. As root, on Debian
# or Ubuntu; the first time takes a quarter of an hour, and leaves its Python in build/package.
# make package-arm64: the same for arm64, emulated where this machine is none.

MACHINE ?= $(shell uname -m)
ROOTS   := build/package
BUILD   := $(ROOTS)/root-$(MACHINE)
PACKAGE := dist/vaultmesh-relay-linux-$(MACHINE:aarch64=arm64).tar.gz
IMAGE   := dist/vaultmesh-relay-docker-image$(if $(filter aarch64,$(MACHINE)),-arm64).tar
SOURCES := $(shell find vaultrelay systemd -name '*.pyc' -prune -o -type f -print) LICENSE README.rst docs/vault-relay.1

.PHONY: package package-arm64 package-check

package: $(PACKAGE) $(IMAGE)

package-arm64:
	@$(MAKE) --no-print-directory package MACHINE=aarch64

# Its glibc is the oldest on which the package runs.
$(BUILD)/made: packaging/debian.sh
	packaging/debian.sh bullseye $(MACHINE) $(BUILD) gcc,make,xz-utils,libc6-dev,zlib1g-dev,libffi-dev,dpkg-dev

$(BUILD)/opt/relay/made: $(BUILD)/made packaging/python.sh
	packaging/python.sh $(BUILD) >$(BUILD)-python.log 2>&1
	@touch $@

$(ROOTS)/%-$(MACHINE)/made: packaging/debian.sh
	packaging/debian.sh $* $(MACHINE) $(@D) ca-certificates

$(PACKAGE): $(BUILD)/opt/relay/made packaging/bundle.sh packaging/relay.spec $(SOURCES) $(wildcard packaging/*.txt packaging/*.py)
	packaging/bundle.sh $(MACHINE) $(BUILD) $@

$(IMAGE): $(PACKAGE) $(ROOTS)/trixie-$(MACHINE)/made packaging/image.py
	$(PYTHON) packaging/image.py $(PACKAGE) $(ROOTS)/trixie-$(MACHINE) $@
