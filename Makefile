# Everything is made below this folder: .venv (the house and its tools), .tox/sdk (demisto-sdk), build, dist.
PYTHON ?= python3
PY := .venv/bin/python
TOX := WARROOM_PYTHON=$(PY) WARROOM_SKIP_INSTALL=true $(PY) -m tox run -q
PIP_INSTALL := $(PY) -m pip install --quiet --disable-pip-version-check --editable

# Child processes run elsewhere, so they need the whole path; and a wrong one must not fall back to our own stand-in.
ifdef COMMON_SERVER_PYTHON
given := $(COMMON_SERVER_PYTHON)
override COMMON_SERVER_PYTHON := $(shell cd '$(given)' 2>/dev/null && test -f CommonServerPython.py && pwd)
ifeq ($(COMMON_SERVER_PYTHON),)
$(error COMMON_SERVER_PYTHON: '$(given)' is not a folder with a CommonServerPython.py)
endif
export COMMON_SERVER_PYTHON
endif

.DELETE_ON_ERROR:
.PHONY: help demo test unit long chaos matrix bench dist lint format clean

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 16

demo: .venv/.demo ## Sync real indicators with an emulated Cortex XDR; isolate hosts that an emulated Vectra points at; put real news on real actors (IOCS=my.csv: your own list)
	$(PY) -m demo $(if $(IOCS),--iocs "$(IOCS)") $(ARGS)

test: .venv/.dev ## Run everything: SDK validation and build, tests on source and unified form, lint
	$(TOX) -e sdk,unit,unified,lint,matrix

unit: .venv/.dev ## Run the tests on the source form only, one worker per processor (ARGS="-k name" picks, in one)
	$(if $(ARGS),$(PY) -m pytest $(ARGS),$(TOX) -e unit)

long: .venv/.dev ## Run the tests that take minutes: every real article through feed, job and a store that fails
	$(PY) -m pytest -m long $(ARGS)

chaos: .venv/.dev ## Let people edit 200,000 indicators on both sides of the IOC sync in 200 cycles of faults and kills (ARGS="--seed 2")
	$(PY) -m Tests.chaos $(ARGS)

matrix: .venv/.dev ## Write docs/support-matrix.md from the conformance suite, run in both forms
	$(TOX) -e sdk
	-$(TOX) -e unit -- Tests/conformance
	-$(TOX) -e unified -- Tests/conformance
	$(PY) -m Tests.conformance.matrix build/results/source.xml build/results/unified.xml

bench: .venv/.dev ## Measure, as ratios against a floor of the same run
	$(PY) -m benchmarks $(ARGS)

dist: .venv/.dev ## Leave the packs as uploadable zips in dist/
	$(TOX) -e sdk -- dist

lint: .venv/.dev ## Run ruff and mypy
	$(TOX) -e lint

format: .venv/.dev ## Let ruff format and mend what it can
	$(PY) -m ruff check --fix
	$(PY) -m ruff format

clean: ## Remove everything that make made
	rm -rf .venv .tox .demo build dist *.egg-info .pytest_cache .hypothesis .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.demo: pyproject.toml | .venv/bin/python
	$(PIP_INSTALL) '.[demo]'
	@touch $@

.venv/.dev: pyproject.toml | .venv/bin/python
	$(PIP_INSTALL) '.[demo,test,lint,tox]'
	@touch $@ .venv/.demo
