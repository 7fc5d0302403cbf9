# make package-deb, package-wheel: the Debian package, and wheel and sdist, in dist/.
# make release: all packages, and what goes beside them: sums, SBOM, release notes. With SIGNING_KEY=file
# of a key for ssh-keygen, the sums are signed.
# make package-outdated: fails if what the packages are made of has newer versions with fixes: with status 1, and
# with 3 if that could not be asked.

RELEASE := build/release
VERSION := $(shell sed -n 's/^__version__ = "\(.*\)"$$/\1/p' vaultrelay/__init__.py)
DEB     := dist/vaultmesh-relay_$(VERSION)_$(if $(filter aarch64,$(MACHINE)),arm64,amd64).deb
# The signer and the purpose of the signature, as `ssh-keygen -Y verify` takes them.
SIGNED_FOR := file

.PHONY: package-deb package-wheel package-outdated release check-release check-service check-wheel

package-deb: $(DEB)
	@packaging/made.sh $^

$(DEB): $(PACKAGE) CHANGELOG.rst $(wildcard packaging/deb/*)
	@echo "make: the files of $(PACKAGE) are packed into $@"
	@packaging/deb/build.sh $(PACKAGE) $(MACHINE) $@

$(RELEASE)/made: packaging/release.mk
	@$(PYTHON) -m venv --clear $(RELEASE)
	@$(RELEASE)/bin/pip --disable-pip-version-check --quiet install setuptools==84.2.1 cyclonedx-bom==7.5.0 \
	  pip-audit==2.10.1
	@touch $@

package-wheel: $(RELEASE)/made
	@echo "make: wheel and sdist are made from what git knows"
	@$(RELEASE)/bin/python packaging/make_wheel.py dist 2>$(RELEASE)/wheel.log >&2 || { cat $(RELEASE)/wheel.log >&2; exit 1; }
	@packaging/made.sh dist/vaultmesh_relay-$(VERSION)*

$(RELEASE)/sbom.json: packaging/requirements.txt $(RELEASE)/made
	$(RELEASE)/bin/cyclonedx-py requirements --output-reproducible --of JSON --sv 1.6 -o $@ $<

release: $(RELEASE)/sbom.json
	@$(MAKE) --no-print-directory package package-deb package-wheel
	@$(MAKE) --no-print-directory package package-deb MACHINE=aarch64
	$(RELEASE)/bin/python packaging/release.py dist $(RELEASE)/sbom.json dist/vaultmesh-relay-linux-x86_64.tar.gz $(TRIAL)
	@if [ -n "$(SIGNING_KEY)" ]; then \
	  rm -f dist/checksums.txt.sig && ssh-keygen -q -Y sign -f "$(SIGNING_KEY)" -n $(SIGNED_FOR) dist/checksums.txt; \
	else echo "make: dist/checksums.txt is not signed; name a key with SIGNING_KEY="; fi
	@packaging/made.sh dist/*

package-outdated: $(RELEASE)/made
	@$(RELEASE)/bin/python packaging/outdated.py $(ROOTS)

# A release, signed with a key of a moment, as its user checks it.
check-release: $(RELEASE)/made
	@rm -f $(RELEASE)/key*
	@ssh-keygen -q -t ed25519 -N '' -C release -f $(RELEASE)/key
	@$(MAKE) --no-print-directory release SIGNING_KEY=$(RELEASE)/key TRIAL=--trial
	@cd dist && sha256sum --quiet --check checksums.txt
	@awk '{ print "tester", $$1, $$2 }' $(RELEASE)/key.pub >$(RELEASE)/signers
	@ssh-keygen -q -Y verify -f $(RELEASE)/signers -I tester -n $(SIGNED_FOR) -s dist/checksums.txt.sig <dist/checksums.txt
	@rm dist/checksums.txt.sig $(RELEASE)/key
	@echo "ok    the release: sums and signature"

# The Debian package under a systemd that is booted for it, in two minutes; one for another kind of
# machine without. As root.
check-service: $(DEB) $(PACKAGE) $(ROOTS)/service-$(MACHINE)/made
ifeq ($(MACHINE),$(HERE))
	packaging/check/install.sh
	packaging/check/service.sh $(DEB) $(PACKAGE) $(ROOTS)/service-$(MACHINE)
else
	packaging/check/deb.sh $(DEB) $(ROOTS)/service-$(MACHINE)
endif

$(ROOTS)/service-$(HERE)/made: packaging/debian.sh
	@packaging/debian.sh bookworm $(HERE) $(@D) systemd-sysv,dbus,curl,procps,zlib1g

$(ROOTS)/service-$(OTHER)/made: packaging/debian.sh
	@packaging/debian.sh bookworm $(OTHER) $(@D) \
	  dpkg,diffutils,findutils,gzip,init-system-helpers,perl-base,procps,systemd,tar,zlib1g

check-wheel: package-wheel
	packaging/check/wheel.sh dist/vaultmesh_relay-$(VERSION)-py3-none-any.whl
	packaging/check/wheel.sh dist/vaultmesh_relay-$(VERSION).tar.gz
