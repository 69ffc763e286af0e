# Every target sets up what it needs; `make world-record` and `make test` work from a bare clone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
KEDRO := $(BIN)/kedro
RUN_ENV ?= base

# One thread per process: on shared cores, spinning threads cost more than they give.
export OMP_NUM_THREADS ?= 1
export DO_NOT_TRACK ?= true

.DEFAULT_GOAL := help
.PHONY: help install world-record smoke test lint viz viz-build mlflow benchmark lock clean

help:  ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13) and "Python 3.10 to 3.13 is needed; name one: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[viz]'
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[viz,dev]'
	@touch $@ $(VENV)/.run

install: $(VENV)/.dev  ## Create .venv with everything, pinned

world-record: $(VENV)/.run  ## Demonstrations, three stages, 500 seeds, report (RUN_ENV=full: full scale)
	$(KEDRO) run --pipelines=world_record --env=$(RUN_ENV)

smoke: $(VENV)/.run  ## The same graph in seconds
	$(KEDRO) run --pipelines=world_record --env=smoke

lint: $(VENV)/.dev  ## Style, types and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint  ## Everything that CI checks
	$(BIN)/pytest

viz: $(VENV)/.run  ## Show the DAG in the browser (loopback only)
	$(KEDRO) viz run --host 127.0.0.1 --port 4141 --include-hooks

viz-build: $(VENV)/.run  ## The DAG with previews as a static site in build/
	$(KEDRO) viz build --include-hooks --include-previews

mlflow: $(VENV)/.run  ## Compare runs in the browser (loopback only)
	PATH="$(abspath $(BIN)):$$PATH" $(KEDRO) mlflow ui --host 127.0.0.1 --port 5000

benchmark: $(VENV)/.run  ## Speed of engines and environments, as ratios
	$(BIN)/qwop benchmark --rounds 9

lock: $(VENV)/.dev  ## Renew constraints.txt for all supported Python versions
	$(BIN)/python -m pip install --quiet uv
	echo 'torch==2.13.0' | $(BIN)/uv pip compile --universal --python-version 3.10 --upgrade --quiet \
		--no-annotate --no-header --extra viz --extra dev --constraint - -o constraints.txt pyproject.toml

clean:  ## Remove the environment and caches; data, records and runs stay
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache src/*.egg-info
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
