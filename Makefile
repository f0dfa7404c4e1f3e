# Two commands do it all on a fresh machine: `make demo` and `make test`. The others are for those who work on Atlas.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.lock-installed

.PHONY: help setup demo test lint format e2e bench soak mutation lock clean

help: ## Show this list
	@grep -hE '^[a-z0-9_-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: $(STAMP) ## Build .venv from the lock file; does nothing when that has not changed

$(STAMP): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else "Atlas needs Python 3.11, 3.12 or 3.13; this is %d.%d: set PYTHON=python3.12" % sys.version_info[:2])'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

demo: setup ## Run the desk on this machine until Ctrl-C: simulated gateway, database, watcher, trader, strategy, monitor
	@$(BIN)/atlas demo $(ARGS)

test: setup ## Run every test that needs no Docker
	$(BIN)/python scripts/run_tests.py $(ARGS)

lint: setup ## Style, types, and the floors of the house
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## Put the code into the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

e2e: setup ## Build the images and run the desk in a real Docker Engine
	$(BIN)/python -m pytest tests/e2e $(ARGS)

bench: setup ## Measure ourselves against raw floors in the same run
	$(BIN)/python -m benchmarks $(ARGS)

EXAMPLES ?= 1000
SEED ?= 1

soak: setup ## Run the model of the trader on all cores: EXAMPLES=20000 SEED=1
	PYTHONPATH=tests $(BIN)/python -m model.soak --examples $(EXAMPLES) --seed $(SEED) $(ARGS)

mutation: setup ## Change the trader's core in small ways and count what no test notices; takes an hour: ARGS='atlas.trading.forks*'
	$(BIN)/python scripts/mutation.py $(ARGS)

LOCK := $(BIN)/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url --no-emit-find-links \
	--no-emit-trusted-host --no-emit-options

lock: setup ## Write both lock files anew from pyproject.toml: for developers, and for the images the part that runs
	$(LOCK) --extra dev -o requirements.lock pyproject.toml
	$(LOCK) --all-build-deps --constraint requirements.lock -o services/requirements.lock pyproject.toml

clean: ## Remove what setup, tests and runs have left
	rm -rf .venv .venvs var build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache mutants
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
