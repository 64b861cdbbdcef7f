# Four words are all a contributor needs: make demo, make test, make check, make bench.
# They need Python 3.11 or newer with venv and pip, and a package index; nothing else.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
JOBS ?= auto
# Bytecode is worth having: imports are five times slower without it.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test check bench lock format clean catalogue

help:
	@echo "make demo    the whole story on this machine in under a minute"
	@echo "make test    every test; what is missing is said in one line"
	@echo "make check   formatting, lint, types, import contracts, documents against code"
	@echo "make bench   every figure beside its peer"

$(VENV)/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Interlock needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V)."; \
	  echo "Install one and name it: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "Python's venv is missing. On Debian: apt-get install python3-venv"; exit 1; }
	@echo "Setting up $(VENV), once …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --require-hashes --no-deps --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m pip check --disable-pip-version-check > $(VENV)/check || { \
	  cat $(VENV)/check; echo "requirements.lock is not complete; make lock writes it anew."; exit 1; }
	@touch $@

demo: $(VENV)/ready
	@$(BIN)/interlock demo

test: $(VENV)/ready
	@$(BIN)/python -m pytest -n $(JOBS)

check: $(VENV)/ready
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest -q tests/house

bench: $(VENV)/ready
	@$(BIN)/python benchmarks/run.py

format: $(VENV)/ready
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

catalogue: $(VENV)/ready
	@INTERLOCK_REWRITE=1 $(BIN)/python -m pytest -q tests/runbooks/test_curated.py

# pip-tools lives in a venv of its own: it wants pip itself pinned, which a venv brings along.
lock:
	@$(PYTHON) -m venv $(VENV)-lock
	@$(VENV)-lock/bin/python -m pip install --quiet pip-tools
	@$(VENV)-lock/bin/pip-compile --quiet --generate-hashes --strip-extras --no-header \
	  --no-allow-unsafe --unsafe-package interlock-runbooks \
	  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
	  --extra dev --output-file requirements.lock pyproject.toml
	@sed -i '/^# WARNING: The following packages were not pinned/,$$d' requirements.lock

clean:
	@rm -rf $(VENV) $(VENV)-lock dist build interlock-demo
