# Every target works on a fresh machine with Python >= 3.11, git and make.
PYTHON ?= python3
STUDY ?= calo_muon
LOCK ?= requirements/cpu.lock
CORES ?= 2
BIN := .venv/bin
# the check of a GPU takes any Python that has torch, also without .venv
GPU_PYTHON ?= $(if $(wildcard $(BIN)/python),$(BIN)/python,$(PYTHON))
comma := ,
space := $() $()
ALL_STUDIES = $(subst $(space),$(comma),$(patsubst config/studies/%.yaml,%,$(sort $(wildcard config/studies/*.yaml))))
# snakemake runs the scripts with the python of its own environment
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help venv demo demo-all test test-slow lint format docs-pictures bench mutants gpu-check gpu-wheels slurm-test \
	slurm-test-quick accept-code lock clean

help:  ## Show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

venv: .venv/installed.lock  ## Create .venv from the lock file

.venv/installed.lock: $(LOCK) pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip setuptools
	$(BIN)/pip install --quiet -r $(LOCK)
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	cp $(LOCK) $@

demo: venv  ## Run a whole small production of STUDY (default calo_muon) to results/report/index.html
	$(BIN)/snakemake --cores $(CORES) --config studies=$(STUDY) preset=demo

demo-all: venv  ## The same for all studies, bound into one report
	$(BIN)/snakemake --cores $(CORES) --config studies=$(ALL_STUDIES) preset=demo

test: venv  ## Run the unit and workflow tests
	$(BIN)/pytest -n 2 -m "not slow and not slurm and not gpu" tests

test-slow: venv  ## Run the slow tests too (physics acceptance, fault injection on one machine)
	$(BIN)/pytest -n 2 -m "slow and not slurm and not gpu" tests

lint: venv  ## Check style, spelling, types, imports and the workflow
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/snakemake --lint

format: venv  ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow

docs-pictures: venv  ## Render docs/pictures from RESULTS (those of a demo) and a run of the tutorial in a folder of its own
	rm -rf tutorial
	$(BIN)/python -m tests.tutorial tutorial --results $(or $(RESULTS),results)

bench: venv  ## Measure speed and memory; prints ratios and writes bench/bench.json
	$(BIN)/python -m tests.bench

mutants: venv  ## Would the tests notice? MODULES="hitforge.folds ..." (default all), SAMPLE=15 mutants of each, SEED=0
	$(BIN)/python -m tests.mutants $(MODULES) --sample $(or $(SAMPLE),15) --seed $(or $(SEED),0)

gpu-check:  ## Is it right on a GPU, and how fast? Eight minutes, writes gpu-check.json; SMOKE=1: on the CPU
	PYTHONPATH=src $(GPU_PYTHON) -m tests.gpu.check $(if $(SMOKE),--smoke)

gpu-wheels:  ## Collect the wheels that gpu-check needs on a machine without network
	$(PYTHON) -m tests.gpu.wheels

slurm-test: venv  ## Run the fault matrix on a mini Slurm cluster (installs Debian's slurm packages; root)
	$(BIN)/pytest -m slurm tests/slurm

slurm-test-quick: venv  ## Run the part of slurm-test that takes less than ten minutes
	$(BIN)/pytest -m "slurm and not slow" tests/slurm

accept-code: venv  ## Keep existing results although the code changed: mark them as up to date
	$(BIN)/snakemake --cores 1 --touch

lock: venv  ## Write the lock files from the environment
	$(BIN)/python requirements/make_locks.py

clean:  ## Remove results, logs and benchmarks
	rm -rf results logs benchmarks tutorial
