# The commands of the project. The first of them sets .venv up; later ones start at once.

SHELL := /bin/bash
BIN := $(CURDIR)/.venv/bin
JOBS ?= $(shell nproc)
PYTEST_ARGS ?=

export PATH := $(BIN):$(PATH)
export VIRTUAL_ENV := $(CURDIR)/.venv
export MPLBACKEND := Agg
# The run-time library of Verilator is the same in every build: compile it once.
ifneq ($(shell command -v ccache),)
export OBJCACHE := ccache
endif
# The type checker is pinned in requirements.lock: let it not ask for news.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.PHONY: help setup demo test check lint types layers docs bench lock clean

help:
	@echo "make demo   run the trained MNIST network on the generated Verilog (results in build/demo)"
	@echo "make test   run the test-suite"
	@echo "make check  lint, types, layers, documentation"
	@echo "make docs   build the documentation (build/docs/index.html)"
	@echo "make bench  print the benchmarks"
	@echo "make lock   renew requirements.lock"
	@echo "make clean  remove build/ and caches, keep .venv"

setup:
	@scripts/setup.sh

demo: setup
	@spikeloom demo

test: setup
	@python -m pytest --numprocesses $(JOBS) --dist worksteal $(PYTEST_ARGS)

# Side by side, what each says in one piece.
check: setup
	@$(MAKE) --no-print-directory --jobs=$(JOBS) --output-sync=target docs types lint layers

lint:
	ruff check
	ruff format --check

types:
	pyright

layers:
	lint-imports

docs: setup
	sphinx-build -W --keep-going -n -q -b html docs build/docs

bench: setup
	@set -e; for script in benchmarks/[!_]*.py; do echo "== $$script"; python "$$script"; done

lock: setup
	@scripts/lock.sh .venv/bin/python

clean:
	rm -rf build dist docs/reference/generated docs/guide/topologies/generated .pytest_cache .ruff_cache .import_linter_cache .grimp_cache
	find hw sim boards sw tests examples benchmarks docs -name __pycache__ -type d -prune -exec rm -rf {} +
