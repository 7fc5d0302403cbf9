# make run: the relay on port 8080.   make test: everything that must pass.
# Nothing is needed beforehand but Python 3.11 or later with venv, make and a package index.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check install --quiet
# "compat" puts this folder on the path, so that the plugin under twisted/plugins is found, too.
FILES  := setup.cfg setup.py pyproject.toml $(wildcard vaultrelay/native/*.p[yx][xdi]) vaultrelay/native/modules.py
# Without byte code each process of a test compiles the relay anew: a fifth of what the tests cost. It lies in
# build, so that packages are made of sources alone.
SHARED_BYTE_CODE := env -u PYTHONDONTWRITEBYTECODE PYTHONPYCACHEPREFIX=$(CURDIR)/build/pycache

# --cov for branch coverage and its gate, as CI has it: a minute more.
COVER ?=
# Folders or files of tests; all by default.
TESTS ?=
FUZZ_SECONDS ?= 60
SANITIZE_TESTS ?= tests/native tests/wire/test_data.py tests/websocket tests/broker tests/transport tests/fuzz
SANITIZE_TARGETS ?= frames data_header twins
SANITIZE_SECONDS ?= 20
FUZZ_TARGETS ?= head control frames data_header proxy_line twins

.PHONY: run native test test-system test-cluster test-clients lint types floors tests docs docs-links vectors man architecture diagrams conformance fuzz sanitize obstacles bench bench-quick bench-cluster trials soak clean

run: $(VENV)/run
	@$(BIN)/vault-relay

# The compiled twins, after a change of one: in seconds, and with the compiler's own words.
native:
	@[ -e $(VENV)/test ] || $(MAKE) --no-print-directory $(VENV)/test
	BUILD_NATIVE=require $(BIN)/python setup.py --quiet build_ext --inplace
	@$(BIN)/vault-relay --version

# In a clone without byte code, mypy keeps one core busy for ten seconds. Compile the tests on another meanwhile.
test: $(VENV)/test
	@$(MAKE) --no-print-directory --jobs 2 $(if $(filter output-sync,$(.FEATURES)),--output-sync) lint types floors build/pycache/made
	@$(MAKE) --no-print-directory tests

lint: $(VENV)/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/test
	$(BIN)/mypy

floors: $(VENV)/test
	$(BIN)/lint-imports

tests: $(VENV)/test
	$(SHARED_BYTE_CODE) $(BIN)/python -m pytest $(COVER) $(TESTS)

# Once, since otherwise each pytest worker would compile every test. Errors are left to the test run to report.
build/pycache/made: $(VENV)/test
	@$(SHARED_BYTE_CODE) $(BIN)/python -m pytest -n 0 --collect-only -qq >/dev/null 2>&1 || true
	@mkdir -p $(@D) && touch $@

# Nginx, HAProxy, Caddy, Chromium and systemd's own checks, the attacks of tests/security, and the
# transcripts, and the contract of the streams. What cannot be installed is skipped.
test-system: $(VENV)/test
	tests/system/install.sh
	SYSTEM=1 $(BIN)/python -m pytest tests/system tests/security tests/transcripts tests/streams -n 6 --dist loadgroup -rs

# HAProxy and four relays under traffic, while they are killed, drained, restarted: in six minutes.
test-cluster: $(VENV)/test
	tests/system/install.sh haproxy:haproxy
	CLUSTER=1 $(BIN)/python -m pytest tests/relays -n 0 -rs

# The Python client, and 300 wrong ones, under the conformance kit: in a minute and a half.
test-clients: $(VENV)/test
	CLIENTS=1 $(SHARED_BYTE_CODE) $(BIN)/python -m pytest tests/clients -n auto --dist load

# The site, in build/site/html, in ten seconds. A warning is an error, and a link to what is not there a warning. All of it
# is made each time: what is read from the code may have changed.
SPHINX = $(BIN)/python -m sphinx --jobs auto --fresh-env --write-all --doctree-dir build/site/doctrees --nitpicky --fail-on-warning --keep-going --quiet docs

docs: $(VENV)/docs
	$(SPHINX) build/site/html
	@echo "The site is in build/site/html/index.html"

# Links to other hosts, which takes a network.
docs-links: $(VENV)/docs
	$(SPHINX) --builder linkcheck build/site/links

vectors: $(VENV)/test
	$(BIN)/python docs/make_vectors.py

man: $(VENV)/test
	$(BIN)/python docs/make_man.py

architecture: $(VENV)/test
	$(BIN)/python docs/make_architecture.py

diagrams: $(VENV)/made
	$(BIN)/python docs/make_diagrams.py

conformance: $(VENV)/test
	tests/conformance/install.sh build/autobahn
	$(BIN)/python -m tests.conformance build/autobahn

# Each target for a minute; what was found lies in build/fuzz.
fuzz: build/fuzz/venv/made
	@for target in $(FUZZ_TARGETS); do \
	  build/fuzz/venv/bin/python -m tests.fuzz $$target $(FUZZ_SECONDS) build/fuzz || exit 1; \
	done

# The compiled twins with every access to memory checked, in a copy of the tree: in some minutes, as root or not.
# Leaks are not looked for: Python itself leaves objects at its end. With its own allocator, an access beyond an
# object would hit another one unnoticed. Python allocates so much that long stacks and a large quarantine of freed
# memory make it slow.
SANITIZED := env PYTHONMALLOC=malloc RELAY_NATIVE=1 LD_PRELOAD=$$($(CC) -print-file-name=libasan.so) \
  ASAN_OPTIONS=detect_leaks=0:abort_on_error=1:malloc_context_size=5:quarantine_size_mb=64 UBSAN_OPTIONS=print_stacktrace=1 $(CURDIR)/$(BIN)/python

sanitize: $(VENV)/test
	rm -rf build/sanitize
	mkdir -p build/sanitize
	cp -R setup.py setup.cfg pyproject.toml README.rst LICENSE docs examples tests twisted vaultrelay build/sanitize
	cd build/sanitize && BUILD_NATIVE=sanitize $(CURDIR)/$(BIN)/python setup.py --quiet build_ext --inplace
	cd build/sanitize && $(SANITIZED) -m pytest -n 2 $(SANITIZE_TESTS)
	cd build/sanitize && for target in $(SANITIZE_TARGETS); do \
	  $(SANITIZED) -m tests.fuzz $$target $(SANITIZE_SECONDS) $(CURDIR)/build/fuzz || exit 1; \
	done

# Bad networks and bad peers, in two minutes. As root after tests/obstacles/install.sh; what is
# missing is skipped.
obstacles: $(VENV)/test
	OBSTACLES=1 $(BIN)/python -m pytest tests/obstacles -n 6 --dist load -rs

bench: $(VENV)/test
	$(BIN)/python -m benchmarks

bench-quick: $(VENV)/test
	$(BIN)/python -m benchmarks --quick

# HAProxy with one and two workers: in a few minutes, into docs/scaling.rst.
bench-cluster: $(VENV)/test
	tests/system/install.sh haproxy:haproxy
	$(BIN)/python -m benchmarks.cluster

trials: $(VENV)/test
	$(BIN)/python -m benchmarks.trials

soak: $(VENV)/test
	$(BIN)/python -m benchmarks.leaks
	$(BIN)/python -m benchmarks.soak $(SOAK)

include packaging/package.mk
include packaging/release.mk

clean:
	rm -rf $(VENV) build dist *.egg-info .coverage* .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(VENV)/made:
	@command -v $(PYTHON) >/dev/null \
	  || { echo "make: there is no $(PYTHON). Install Python 3.11 or later, or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "make: $$($(PYTHON) --version) is too old. The relay needs Python 3.11 or later: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "make: $(PYTHON) has no venv module. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

# $(call install,WHAT,WORDS). Each compiles the twins, so the one for the tests is one for a run, too.
define install
@echo "Installing $(2) into $(VENV)"
@$(PIP) --editable '$(1)' --config-settings editable_mode=compat \
  || { echo "make: pip could not install $(2). It needs a package index, by default pypi.org" >&2; exit 1; }
@env -u RELAY_NATIVE $(BIN)/vault-relay --version | grep -q pure \
  && echo "make: no compiled twins were built, which takes a C compiler and Python's headers; the relay runs in pure Python, with more CPU time for each message" >&2 || true
@touch $(VENV)/run $@
endef

$(VENV)/run: $(VENV)/made $(FILES)
	$(call install,.,the relay)

$(VENV)/test: $(VENV)/made $(FILES)
	$(call install,.[test],the relay and what its tests need)

$(VENV)/docs: $(VENV)/made $(FILES)
	$(call install,.[docs],the relay and what the documentation site needs)

# Atheris is there for some Pythons only. Without it, Hypothesis fuzzes. The target "twins" takes the compiled twins
# beside the sources, which an editable installation builds.
build/fuzz/venv/made: $(VENV)/made $(FILES)
	@echo "Installing what fuzzing needs into build/fuzz/venv"
	@$(PYTHON) -m venv build/fuzz/venv
	@build/fuzz/venv/bin/python -m pip --disable-pip-version-check install --quiet --editable '.[test]' --config-settings editable_mode=compat
	@build/fuzz/venv/bin/python -m pip --disable-pip-version-check install --quiet --editable '.[test,fuzz]' --config-settings editable_mode=compat \
	  || echo "make: there is no atheris for this Python, so Hypothesis fuzzes" >&2
	@touch $@
