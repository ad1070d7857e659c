# make demo    CANTOS in 4,500 virtual patients; writes out/cantos/report.html
# make test    all tests, the quick ones first
# make bench   the benchmark; writes bench/results/
# make lint    ruff and mypy
# make docs-figures  the tutorials with their figures, anew; half an hour
# make install only the virtual environment in .venv (every target above makes it when it is missing)
#
# All paths are relative, so the checkout may lie in a folder whose name has spaces.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
READY := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install demo test bench lint docs-figures clean
.DELETE_ON_ERROR:

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | head -n 6

install: $(READY)

$(RUN):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Leukinetics needs Python 3.11 or newer, but '$(PYTHON)' is: $$($(PYTHON) --version 2>&1)."; \
	  echo "Name another one, for example: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; } >&2
	$(PYTHON) -m venv $(VENV)

# The environment is set up again only when what it is made from has changed.
$(READY): pyproject.toml constraints.txt | $(RUN)
	$(RUN) -m pip install --disable-pip-version-check -c constraints.txt -e '.[dev,bench]'
	@touch $@

demo: $(READY)
	$(VENV)/bin/leukinetics trial examples/cantos.toml --out out/cantos --overwrite

# In two processes or more; whoever is done takes over from the others.
test: $(READY)
	$(RUN) -m pytest -n auto --maxprocesses 4 --dist worksteal

bench: $(READY)
	$(RUN) -m bench

docs-figures: $(READY)
	$(RUN) -m leukinetics.commands.tutorial .

lint: $(READY)
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

clean:
	rm -rf out dist bench/results .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find leukinetics tests bench -name __pycache__ -type d -prune -exec rm -rf {} +
