# What a person runs, CI runs. `make help` lists it.
.DEFAULT_GOAL := help
SHELL := /bin/bash

# A KUBECONFIG that the shell happens to export points at somebody's cluster: nothing
# here may touch it. `make demo CONTEXT=NAME` names a cluster on purpose.
unexport KUBECONFIG

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
LINTED := $(wildcard operator tools tests bench)
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install --quiet --require-virtualenv
# Tests run side by side, a file at a time: on two cores they wait more than they work.
WORKERS ?= 2
# `make test ARGS="-k expiry"`, `make demo KEEP=1` or `make demo ARGS=--keep`
ARGS ?=
DEMO := $(ARGS)$(if $(KEEP), --keep)$(if $(CONTEXT), --context $(CONTEXT))

.PHONY: help setup check test skew demo cluster cluster-down faults faults-kill fuzz bench docs golden lock clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY)  ## make .venv from the hash-pinned lock, with .venv/bin/tokencheck

$(READY): requirements/dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "tokencheck needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Say which: make setup PYTHON=python3.13" >&2; exit 1; }
	@test -x $(BIN)/python || { echo "Making $(VENV) from requirements/dev.lock (about half a minute)"; $(PYTHON) -m venv $(VENV); } || \
	  { echo "No virtual environment could be made. On Debian: apt-get install python3-venv" >&2; rm -rf $(VENV); exit 1; }
	@# The lock is complete: resolving again would stumble over every newer release of an extra (pip #9644).
	@$(PIP) --no-deps --require-hashes --only-binary :all: -r requirements/dev.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

check: $(READY)  ## lint, formatting, types, import contracts, generated files
	$(BIN)/ruff check --no-cache $(LINTED)
	$(BIN)/ruff format --no-cache --check $(LINTED)
	$(BIN)/mypy
	$(BIN)/lint-imports
	@PYTHONPATH=tools $(BIN)/python -m reference --check

test: $(READY)  ## every test, those that need a real API server included; ARGS= for pytest, WORKERS=4
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

skew: $(READY)  ## the tests that older Kubernetes may decide otherwise, on it; ARGS="1.30 1.33", all by default
	@PYTHONPATH=tools $(BIN)/python -m skew $(ARGS)

demo: $(READY)  ## a shop with good and bad tokens, live; KEEP=1 leaves it up, CONTEXT=NAME uses your cluster
	@PYTHONPATH=tools $(BIN)/python -m demo $(DEMO)

cluster: $(READY)  ## start a control plane to play with; prints its kubeconfig
	@PYTHONPATH=tools $(BIN)/python -m controlplane up $(ARGS)

cluster-down: $(READY)  ## stop it
	@PYTHONPATH=tools $(BIN)/python -m controlplane down

faults-kill: $(READY)  ## kill the operator before and after each of its API calls; prints figures
	@PYTHONPATH=tools:tests $(BIN)/python -m faults.kills $(ARGS)

$(VENV)/.bench-ready: requirements/bench.lock $(READY)
	@$(PIP) --no-deps --require-hashes --only-binary :all: -r requirements/bench.lock
	@touch $@

bench: $(VENV)/.bench-ready  ## measure beside a Go controller and under load; ARGS="--stage scale", ARGS=--help
	@PYTHONPATH=tools $(BIN)/python -m bench $(ARGS)

faults: $(READY)  ## an hour of faults of every class; ARGS="--minutes 10 --seed 7", ARGS=--known-bad
	@PYTHONPATH=tools:tests $(BIN)/python -m faults $(ARGS)

fuzz: $(READY)  ## feed the properties of all parsers with bytes; ARGS="--minutes 10 --seed 7 --only tokens"
	@PYTHONPATH=tools:tests:operator $(BIN)/python -m fuzz $(ARGS)

docs: $(READY)  ## write what is generated: docs/reference.md and the chart's copy of the CRDs
	@PYTHONPATH=tools $(BIN)/python -m reference $(ARGS)

golden: $(READY)  ## write what the chart renders in each mode: tests/cluster/chart/golden
	@PYTHONPATH=tools:tests $(BIN)/python -m cluster.golden

# Universal: one file for Linux and macOS and every Python from 3.11 on.
COMPILE := UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --universal \
  --python-version 3.11 --generate-hashes --no-emit-index-url $(if $(UPGRADE),--upgrade)
lock: $(READY)  ## write requirements/*.lock again after pyproject.toml changed; UPGRADE=1 takes newer versions
	$(COMPILE) pyproject.toml -o requirements/run.lock
	$(COMPILE) --group build -o requirements/build.lock
	$(COMPILE) -c requirements/run.lock -c requirements/build.lock pyproject.toml --group dev -o requirements/dev.lock
	$(COMPILE) -c requirements/dev.lock --group bench -o requirements/bench.lock
	$(COMPILE) -c requirements/dev.lock --group sbom -o requirements/sbom.lock

clean:  ## remove what was made here; the control plane's cache stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist .coverage
	find operator tools tests -name __pycache__ -type d -prune -exec rm -rf {} +
