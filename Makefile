# Every target sets up what it needs; `make world-record` and `make test` work from a bare clone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
KEDRO := $(BIN)/kedro
RUN_ENV ?= base

# One thread per process: on shared cores, spinning threads cost more than they give.
export OMP_NUM_THREADS ?= 1
export DO_NOT_TRACK ?= true

# Two makes at once take turns at .venv, where there is flock.
LOCKED := $(if $(shell command -v flock),flock .make.lock) sh -euc
# Hashed packages first, torch and the project after them; docs/reliability.md says why.
PINNED = $(BIN)/python -m pip install --quiet --no-build-isolation --no-deps --require-hashes
PROJECT = $(BIN)/python -m pip install --quiet --no-build-isolation --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help install world-record smoke test test-fast lint cluster-install cluster-test soak viz viz-build mlflow \
	benchmark prune audit sbom lock clean

help:  ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13) and "Python 3.10 to 3.13 is needed; name one: make PYTHON=python3.11 ...")'
	@$(LOCKED) 'test -x $@ || $(PYTHON) -m venv $(VENV)'

$(VENV)/.run: pyproject.toml constraints.txt requirements/run.txt | $(BIN)/python
	@$(LOCKED) 'test $@ -nt constraints.txt -a $@ -nt requirements/run.txt -a $@ -nt pyproject.toml || { \
		$(PINNED) --requirement requirements/build.txt; \
		$(PINNED) --requirement requirements/run.txt; \
		$(PROJECT) --editable ".[viz]"; \
		touch $@; }'

$(VENV)/.dev: pyproject.toml constraints.txt requirements/dev.txt | $(BIN)/python
	@$(LOCKED) 'test $@ -nt constraints.txt -a $@ -nt requirements/dev.txt -a $@ -nt pyproject.toml || { \
		$(PINNED) --requirement requirements/build.txt; \
		$(PINNED) --requirement requirements/dev.txt; \
		$(PROJECT) --editable ".[viz,dev]"; \
		touch $@ $(VENV)/.run; }'

$(VENV)/.cluster: $(VENV)/.run
	@$(LOCKED) '$(PROJECT) --editable ".[viz,cluster]"; touch $@ $(VENV)/.run'

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

test-fast: $(VENV)/.dev  ## The tests that are not marked as slow, in a minute or so
	$(BIN)/pytest -m "not slow"

cluster-install: $(VENV)/.cluster  ## Create .venv with Ray, pinned

cluster-test: $(VENV)/.cluster  ## Evaluation on two Ray nodes of this machine, one killed: equal to serial
	$(BIN)/python -m benchmarks.two_nodes

soak: $(VENV)/.dev  ## Kills, full disks, thousands of damaged files: a table of what survived
	$(BIN)/python -m tests.faults.soak

viz: $(VENV)/.run  ## Show the DAG in the browser (loopback only)
	$(KEDRO) viz run --host 127.0.0.1 --port 4141 --include-hooks

viz-build: $(VENV)/.run  ## The DAG with previews as a static site in build/
	$(KEDRO) viz build --include-hooks --include-previews

mlflow: $(VENV)/.run  ## Compare runs in the browser (loopback only)
	PATH="$(abspath $(BIN)):$$PATH" $(KEDRO) mlflow ui --host 127.0.0.1 --port 5000

benchmark: $(VENV)/.run  ## Speed of engines and environments, as ratios
	$(BIN)/qwop benchmark --rounds 9

prune:  ## List old versions under data/ that nothing refers to (YES=1: remove them)
	$(BIN)/qwop prune $(if $(YES),--yes)

# Tools that look at .venv from outside, so that they change nothing in it.
TOOLS := $(VENV)/tools/bin
$(VENV)/tools/.made: | $(BIN)/python
	$(BIN)/python -m venv $(VENV)/tools
	$(TOOLS)/python -m pip install --quiet pip-audit cyclonedx-bom
	@touch $@

audit: $(VENV)/tools/.made  ## Known vulnerabilities of the pinned packages; asks pypi.org
	$(TOOLS)/pip-audit --strict --no-deps --disable-pip --progress-spinner off \
		--requirement constraints.txt \
		|| { echo "audit: vulnerable, or not checked: see the lines above; it needs pypi.org" >&2; exit 1; }

sbom: $(VENV)/.run $(VENV)/tools/.made  ## A CycloneDX bill of what is installed, in build/sbom.cdx.json
	mkdir -p build
	$(TOOLS)/cyclonedx-py environment $(BIN)/python --pyproject pyproject.toml \
		--output-reproducible --output-file build/sbom.cdx.json
	@echo build/sbom.cdx.json

UV_COMPILE = $(BIN)/uv pip compile --universal --python-version 3.10 --quiet --no-annotate --no-header
# torch comes in builds for several devices, of which an index has one and a local folder
# another; what only some of them need goes with it.
TORCH = $(shell sed -nE 's/^(torch|triton|(nvidia|cuda)-[a-z0-9-]+)==.*/--no-emit-package \1/p' constraints.txt | sort -u)
HASHED = $(UV_COMPILE) --generate-hashes --constraint constraints.txt
lock: $(VENV)/.dev  ## Renew constraints.txt and requirements/ for all supported Python versions
	$(BIN)/python -m pip install --quiet uv
	echo 'torch==2.13.0' | $(UV_COMPILE) --upgrade --extra viz --extra dev --extra cluster --extra tensorboard \
		--constraint - -o constraints.txt pyproject.toml
	@$(MAKE) --no-print-directory requirements

.PHONY: requirements
requirements:  # The hashes of what constraints.txt names.
	echo 'setuptools>=77' | $(HASHED) -o requirements/build.txt -
	$(HASHED) $(TORCH) --extra viz -o requirements/run.txt pyproject.toml
	$(HASHED) $(TORCH) --extra viz --extra dev -o requirements/dev.txt pyproject.toml

clean:  ## Remove the environment and caches; data, records and runs stay
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache src/*.egg-info
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
