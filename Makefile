# The two commands of the README, and what they rest on. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
LIVE := $(wildcard params/*/live.yaml)

.PHONY: help report reports live test lint validity bench figures lab lock clean

help:  ## list the targets
	@awk -F ':.*## *' '/^[a-z]+:.*##/ {printf "%-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

report: $(READY)  ## make every report from bundled data, offline: reports/index.html
	$(BIN)/python -m research_lib run

reports: report

live: $(READY)  ## pull what the live parameter files need, and make their reports (uses the network)
	$(BIN)/python -m research_lib data pull --for $(LIVE)
	$(BIN)/python -m research_lib run $(LIVE)

test: $(READY) lint  ## ruff, mypy and all tests
	$(BIN)/python -m pytest

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

validity: $(READY)  ## simulate the size of every test and interval: docs/validity.md
	$(BIN)/python -m tests.validity

bench: $(READY)  ## measured comparisons, as ratios
	$(BIN)/python -m pytest tests/benchmarks --benchmark-enable -s

figures: $(READY)  ## make the pictures of the README and the docs again (needs Chromium)
	$(BIN)/python docs/make_figures.py

lab: $(READY)  ## open JupyterLab on the notebooks; as root: make lab ARGS=--allow-root
	$(BIN)/python -m research_lib lab $(ARGS)

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if (3, 11) <= v < (3, 14) else f"Python 3.11 to 3.13 is needed, this is {v.major}.{v.minor}: try make PYTHON=python3.13")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

lock:  ## pin the newest versions that pyproject.toml allows (needs uv)
	uv pip compile --universal --python-version 3.11 --all-extras --no-annotate --no-header --upgrade pyproject.toml --output-file requirements.lock

clean:
	rm -rf $(VENV) reports

.DEFAULT:
	@echo "there is no target $@; make help lists them" >&2; exit 2
