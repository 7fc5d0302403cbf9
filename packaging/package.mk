# make package: the archive and the image of this machine's kind, in dist/. As root, on Debian or Ubuntu.
# The first time takes five minutes, and leaves a Python in build/package.
# make package-arm64: the same for arm64, on a machine of any kind.
# make package-check: makes all that a release has, for both kinds, and runs it.

HERE    := $(shell uname -m)
OTHER   := $(if $(filter aarch64,$(HERE)),x86_64,aarch64)
MACHINE ?= $(HERE)
ROOTS   := build/package
PACKAGE := dist/vaultmesh-relay-linux-$(MACHINE:aarch64=arm64).tar.gz
IMAGE   := dist/vaultmesh-relay-docker-image$(if $(filter aarch64,$(MACHINE)),-arm64).tar
INSIDE  := $(shell find vaultrelay systemd -type f ! -name '*.pyc') LICENSE README.rst docs/vault-relay.1
MAKING  := $(addprefix packaging/,bundle.sh relay.spec vault_relay.py trusted_certificates.py \
             requirements.txt requirements-build.txt)
SYSTEMS := $(foreach suite,bullseye bookworm trixie,$(ROOTS)/$(suite)-$(MACHINE))

.PHONY: package package-arm64 package-check check-package check-again

package: $(PACKAGE) $(IMAGE)

package-arm64:
	@$(MAKE) --no-print-directory package MACHINE=aarch64

package-check:
	packaging/check/install.sh
	@$(MAKE) --no-print-directory check-release
	@$(MAKE) --no-print-directory check-package check-again check-service check-wheel
	@$(MAKE) --no-print-directory check-package check-service MACHINE=$(OTHER)

# Runs archive and image, and writes what they take into docs/install.rst.
check-package: $(VENV)/test $(PACKAGE) $(IMAGE) $(SYSTEMS:=/made)
	packaging/check/install.sh
	PYTHONPATH=. $(BIN)/python packaging/check/package.py $(MACHINE) $(PACKAGE) $(IMAGE) $(SYSTEMS)

# The same commit gives the same bytes.
check-again: $(PACKAGE)
	PYTHON=$(BIN)/python packaging/bundle.sh $(MACHINE) $(ROOTS)/build-$(MACHINE) $(ROOTS)/again.tar.gz
	cmp $(PACKAGE) $(ROOTS)/again.tar.gz

# In these the package is made. Their C library is the oldest on which it runs.
$(ROOTS)/build-$(HERE)/made: packaging/debian.sh
	packaging/debian.sh bullseye $(HERE) $(@D) gcc,make,xz-utils,libc6-dev,zlib1g-dev,libffi-dev,dpkg-dev

$(ROOTS)/build-$(OTHER)/made: packaging/debian.sh
	packaging/debian.sh bullseye $(OTHER) $(@D) binutils,zlib1g,libffi7

$(ROOTS)/build-$(HERE)/opt/relay/made: $(ROOTS)/build-$(HERE)/made packaging/python.sh
	packaging/python.sh $(HERE) $(<D) $(<D) >$(<D)-python.log 2>&1
	@touch $@

$(ROOTS)/build-$(OTHER)/opt/relay/made: $(ROOTS)/build-$(OTHER)/made $(ROOTS)/build-$(HERE)/opt/relay/made
	packaging/python.sh $(OTHER) $(ROOTS)/build-$(HERE) $(<D) >$(<D)-python.log 2>&1
	@touch $@

$(ROOTS)/%-$(MACHINE)/made: packaging/debian.sh
	packaging/debian.sh $* $(MACHINE) $(@D) ca-certificates,zlib1g

$(PACKAGE): $(ROOTS)/build-$(MACHINE)/opt/relay/made $(INSIDE) $(MAKING) | $(VENV)/made
	PYTHON=$(BIN)/python packaging/bundle.sh $(MACHINE) $(ROOTS)/build-$(MACHINE) $@

$(IMAGE): $(PACKAGE) $(ROOTS)/trixie-$(MACHINE)/made packaging/image.py
	$(BIN)/python packaging/image.py $(PACKAGE) $(ROOTS)/trixie-$(MACHINE) $@
