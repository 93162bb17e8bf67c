# The commands a person needs. Each sets up what it needs by itself, once, in .venv.
#
#   make quickstart   adapt a first model and print the leaderboard
#   make test         every test but a few of a minute each, which are left to make test-long
#   make check        what a change must pass: lint, types, layers, quick tests

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help quickstart test test-long check setup

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
LOG := $(VENV)/install.log
# Python's own way to find a module must not depend on who calls make.
unexport PYTHONPATH PYTHONHOME

help:
	@sed -n 's/^#   //p' Makefile

quickstart: $(STAMP)
	@$(BIN)/posebridge run experiments/quickstart.py
	@$(BIN)/posebridge leaderboard experiments/quickstart.py --picture store/quickstart.png

# What starts clusters runs alone, not two at a time.
CLUSTERS := tests/commands tests/integration
test: $(STAMP)
	@$(BIN)/python -m pytest -m "not slow" -n 2
	@$(BIN)/python -m pytest -m "slow and not long" -n 2 --dist loadfile $(CLUSTERS:%=--ignore %)
	@$(BIN)/python -m pytest -m "slow and not long" $(CLUSTERS)

test-long: $(STAMP)
	@$(BIN)/python -m pytest -m long

check: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m pytest -m "not slow" -n 2

setup: $(STAMP)

# Reinstalled only when pyproject.toml has changed.
$(STAMP): pyproject.toml
	@bash .ci/setup $(VENV) $(LOG)
	@touch $(STAMP)
