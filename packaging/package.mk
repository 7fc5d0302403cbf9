# make package: the archive and the image of this machine's kind, in dist/. As root, on Debian or Ubuntu.
# The first time takes ten minutes, and leaves a Python in build/package.
# make package-arm64: the same for arm64, on a machine of any kind.

HERE    := $(shell uname -m)
MACHINE ?= $(HERE)
ROOTS   := build/package
PACKAGE := dist/vaultmesh-relay-linux-$(MACHINE:aarch64=arm64).tar.gz
IMAGE   := dist/vaultmesh-relay-docker-image$(if $(filter aarch64,$(MACHINE)),-arm64).tar
INSIDE  := $(shell find vaultrelay systemd -type f ! -name '*.pyc') LICENSE README.rst docs/vault-relay.1
MAKING  := $(addprefix packaging/,bundle.sh relay.spec vault_relay.py trusted_certificates.py \
             requirements.txt requirements-build.txt)
SYSTEMS := $(foreach suite,bullseye bookworm trixie,$(ROOTS)/$(suite)-$(MACHINE))

.PHONY: package package-arm64 package-check package-check-arm64

package: $(PACKAGE) $(IMAGE)

# Runs both, and writes what they take into docs/install.rst.
package-check: $(VENV)/test $(PACKAGE) $(IMAGE) $(SYSTEMS:=/made)
	PYTHONPATH=. $(BIN)/python packaging/check.py $(PACKAGE) $(IMAGE) $(SYSTEMS)

package-arm64 package-check-arm64: %-arm64:
	@$(MAKE) --no-print-directory $* MACHINE=aarch64

# In these the package is made. Their C library is the oldest on which it runs.
$(sort $(ROOTS)/build-$(HERE)/made $(ROOTS)/build-aarch64/made): $(ROOTS)/build-%/made: packaging/debian.sh
	packaging/debian.sh bullseye $* $(@D) gcc,make,xz-utils,libc6-dev,zlib1g-dev,libffi-dev,dpkg-dev

$(ROOTS)/build-$(HERE)/opt/relay/made: $(ROOTS)/build-$(HERE)/made packaging/python.sh
	packaging/python.sh $(HERE) $(<D) $(<D) >$(<D)-python.log 2>&1
	@touch $@

ifneq ($(MACHINE),$(HERE))
$(ROOTS)/build-$(MACHINE)/opt/relay/made: $(ROOTS)/build-$(MACHINE)/made $(ROOTS)/build-$(HERE)/opt/relay/made
	packaging/python.sh $(MACHINE) $(ROOTS)/build-$(HERE) $(<D) >$(<D)-python.log 2>&1
	@touch $@
endif

$(ROOTS)/%-$(MACHINE)/made: packaging/debian.sh
	packaging/debian.sh $* $(MACHINE) $(@D) ca-certificates

$(PACKAGE): $(ROOTS)/build-$(MACHINE)/opt/relay/made $(INSIDE) $(MAKING) | $(VENV)/made
	PYTHON=$(BIN)/python packaging/bundle.sh $(MACHINE) $(ROOTS)/build-$(MACHINE) $@

$(IMAGE): $(PACKAGE) $(ROOTS)/trixie-$(MACHINE)/made packaging/image.py
	$(BIN)/python packaging/image.py $(PACKAGE) $(ROOTS)/trixie-$(MACHINE) $@
