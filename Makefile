# Every target first makes sure that what it needs is installed; `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
# A run starts hundreds of interpreters: without kept bytecode each compiles the SDKs again, and takes twice as long.
unexport PYTHONDONTWRITEBYTECODE

ENV ?= local
COUNT ?= 300
SEED ?= 1
TEST_WORKERS ?= $(shell nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 2)
PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11,$(shell $(name) -c 'import sys; sys.version_info >= (3, 11) and print("$(name)")' 2>/dev/null)) python3)

BIN := .venv/bin
FORTRESS := $(BIN)/fortress
GATE = $(if $(filter off,$(POLICIES)),--no-policies)
STRICTLY = $(if $(STRICT),--strict)
PYTEST := $(BIN)/pytest --numprocesses $(TEST_WORKERS) --dist loadgroup
COVERAGE := --cov --cov-report=term:skip-covered
CHECKS := $(BIN)/python -m tools.checks
LOCK := $(BIN)/uv pip compile --quiet --generate-hashes --universal --no-emit-index-url --custom-compile-command "make lock" --python-version 3.11

##@ Use it
.PHONY: setup up status down preview rehearse refresh preview-comment compliance shell

setup: ## Install everything this checkout needs; a second run installs only changes
	@$(PYTHON) tools/setup.py >&2

up: setup ## Bring the local environment up: three clouds, their databases, the app
	@$(FORTRESS) up $(GATE)

status: setup ## Show what runs in the local environment, and where
	@$(FORTRESS) status

down: setup ## Take the local environment down; leaves nothing behind
	@$(FORTRESS) down

preview: setup ## Show what `pulumi up` would do to an environment, without a credential: make preview ENV=production [STRICT=1]
	@$(FORTRESS) preview --env $(ENV) $(GATE) $(STRICTLY)

rehearse: setup ## Bring an environment up with fake accounts and recorded resources only: make rehearse ENV=production
	@$(FORTRESS) env rehearse --env $(ENV) $(GATE)

refresh: setup ## Compare the recorded state with what really runs: make refresh ENV=local
	@$(FORTRESS) env refresh --env $(ENV)

preview-comment: setup ## Print a preview as Markdown for a pull request: make preview-comment ENV=production
	@$(FORTRESS) env preview-comment --env $(ENV) $(GATE) $(STRICTLY)

compliance: setup ## Check an environment by all controls and write the reports, without a credential: make compliance ENV=production
	@$(FORTRESS) compliance report --env $(ENV)

shell: setup ## Open a shell in which `pulumi`, `fortress` and their settings are ready
	@$(FORTRESS) dev shell

##@ Change it
.PHONY: lint types test test-fast test-full mutants bench fmt lock

lint: setup ## Check style, layers, workflows, and the commits since main
	@$(CHECKS) lint

types: setup ## Check all types
	@$(CHECKS) types

test: setup ## Check everything and run all tests but the long ones, with line coverage
	@$(CHECKS) lint types -- $(PYTEST) -m "not full" $(COVERAGE)

test-fast: setup ## Run the quick tests: no engine, no servers, none that takes over a second
	@$(PYTEST) --dist worksteal -m "not engine and not servers and not slow and not full"

test-full: setup ## Check everything and run every test, the long ones too, with branch coverage
	@$(CHECKS) lint types -- $(PYTEST) $(COVERAGE) --cov-branch

mutants: setup ## Change 300 places of the pure modules, one at a time: do the tests notice? make mutants [COUNT=40] [SEED=2]
	@$(BIN)/python -m tools.mutants --count $(COUNT) --seed $(SEED)

bench: setup ## Measure against the numbers we promise and write the results file: make bench [MEASURES="append tail"]
	@$(BIN)/uv pip install --quiet --require-hashes --requirement requirements/bench.txt
	@$(BIN)/python -m tools.bench $(MEASURES)

fmt: setup ## Format the code and sort its imports
	@$(BIN)/ruff check --fix-only --quiet
	@$(BIN)/ruff format

lock: setup ## Resolve the requirements again and pin them by hash
	@$(LOCK) requirements/app.in requirements/runtime.in requirements/dev.in --output-file requirements/locked.txt
	@$(LOCK) requirements/app.in --constraint requirements/locked.txt --output-file requirements/app.txt
	@$(LOCK) requirements/bootstrap.in --output-file requirements/bootstrap.txt
	@$(LOCK) requirements/go.in --output-file requirements/go.txt
	@$(LOCK) requirements/bench.in --output-file requirements/bench.txt

##@ Housekeeping
.PHONY: clean help

clean: ## Remove what was installed and built in this checkout; running environments and the machine's cache stay
	@rm -rf .venv build dist *.egg-info .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find app cli components localcloud policies stacks tools tests -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } /^##@ / { printf "\n%s\n", substr($$0, 5) } /^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
