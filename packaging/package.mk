# make package: the archive and the image of this machine's kind, in dist/. As root, on Debian or Ubuntu.
# The first time takes six minutes, and leaves a Python in build/package.
# make package-arm64: the same for arm64, on a machine of any kind.
# make package-check: makes all that a release has, for both kinds, and runs it.

HERE    := $(shell uname -m)
OTHER   := $(if $(filter aarch64,$(HERE)),x86_64,aarch64)
MACHINE ?= $(HERE)
ROOTS   := build/package
PACKAGE := dist/vaultmesh-relay-linux-$(MACHINE:aarch64=arm64).tar.gz
IMAGE   := dist/vaultmesh-relay-docker-image$(if $(filter aarch64,$(MACHINE)),-arm64).tar
INSIDE  := $(shell find vaultrelay systemd docs deploy -type f ! -name '*.pyc' ! -name '*.so') $(wildcard LICENSE *.rst *.md)
MAKING  := setup.py setup.cfg $(addprefix packaging/,bundle.sh native.sh documents.sh launcher.sh install.sh uninstall.sh relay.spec \
             vault_relay.py trusted_certificates.py requirements.txt requirements-build.txt)
SYSTEMS := $(foreach suite,bullseye bookworm trixie,$(ROOTS)/$(suite)-$(MACHINE))

.PHONY: package package-arm64 package-check check-package check-again package-figures

package: $(PACKAGE) $(IMAGE)
	@packaging/made.sh $^

package-arm64:
	@$(MAKE) --no-print-directory package MACHINE=aarch64

package-check:
	packaging/check/install.sh
	@$(MAKE) --no-print-directory check-release
	@$(MAKE) --no-print-directory check-package check-again check-service check-wheel
	@$(MAKE) --no-print-directory check-package check-service MACHINE=$(OTHER)
	@$(MAKE) --no-print-directory package-figures
	@packaging/made.sh dist/*

# Runs archive and image, and measures them.
check-package: $(VENV)/test $(PACKAGE) $(IMAGE) $(SYSTEMS:=/made)
	packaging/check/install.sh
	PYTHONPATH=. $(BIN)/python packaging/check/package.py $(MACHINE) $(PACKAGE) $(IMAGE) $(SYSTEMS)

# Writes the figures into docs/install.rst. That is in the package, so this comes last.
package-figures: $(VENV)/made
	$(BIN)/python packaging/check/figures.py $(ROOTS)

# The same commit gives the same bytes.
check-again: $(PACKAGE)
	PYTHON=$(BIN)/python packaging/bundle.sh $(MACHINE) $(ROOTS)/build-$(HERE) $(ROOTS)/build-$(MACHINE) $(ROOTS)/again.tar.gz
	cmp $(PACKAGE) $(ROOTS)/again.tar.gz

# In these the package is made. Their C library is the oldest on which it runs.
$(ROOTS)/build-$(HERE)/made: packaging/debian.sh
	@echo "make: a Debian 11 to build in goes into $(@D), in a minute"
	@packaging/debian.sh bullseye $(HERE) $(@D) gcc,make,xz-utils,libc6-dev,zlib1g-dev,libffi-dev,dpkg-dev

$(ROOTS)/build-$(OTHER)/made: packaging/debian.sh
	@echo "make: a Debian 11 for $(OTHER) goes into $(@D)"
	@packaging/debian.sh bullseye $(OTHER) $(@D) binutils,zlib1g,libffi7

$(ROOTS)/build-$(HERE)/opt/relay/made: $(ROOTS)/build-$(HERE)/made packaging/python.sh packaging/sources.txt
	@echo "make: OpenSSL, SQLite and CPython are built in $(<D), in five minutes; compiler output: $(<D)-python.log"
	@packaging/python.sh $(HERE) $(<D) $(<D)
	@touch $@

$(ROOTS)/build-$(OTHER)/opt/relay/made: $(ROOTS)/build-$(OTHER)/made $(ROOTS)/build-$(HERE)/opt/relay/made
	@echo "make: OpenSSL, SQLite and CPython are built for $(OTHER), in five minutes; compiler output: $(<D)-python.log"
	@packaging/python.sh $(OTHER) $(ROOTS)/build-$(HERE) $(<D)
	@touch $@

$(ROOTS)/%-$(MACHINE)/made: packaging/debian.sh
	@echo "make: a plain Debian, $*, goes into $(@D)"
	@packaging/debian.sh $* $(MACHINE) $(@D) ca-certificates,zlib1g

$(PACKAGE): $(ROOTS)/build-$(MACHINE)/opt/relay/made $(INSIDE) $(MAKING) | $(VENV)/made
	@echo "make: the relay, its libraries and the Python of $(ROOTS)/build-$(MACHINE) are packed into $@, with compiled twins"
	@PYTHON=$(BIN)/python packaging/bundle.sh $(MACHINE) $(ROOTS)/build-$(HERE) $(ROOTS)/build-$(MACHINE) $@

$(IMAGE): $(PACKAGE) $(ROOTS)/trixie-$(MACHINE)/made packaging/image.py
	@echo "make: $(PACKAGE) and the C library of Debian 13 are packed into $@"
	@$(BIN)/python packaging/image.py $(PACKAGE) $(ROOTS)/trixie-$(MACHINE) $@ $(ROOTS)/image
