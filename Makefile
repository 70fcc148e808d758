# `make run` serves Podium, `make test` runs its tests; both set everything up first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000

.PHONY: run test check lint types contracts migrations pictures clean

run: $(VENV)/installed
	@$(BIN)/python manage.py up --port $(PORT)

test: $(VENV)/installed-dev
	$(BIN)/pytest

# What CI runs.
check: lint types contracts migrations test

lint: $(VENV)/installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/installed-dev
	$(BIN)/mypy arena annotation ranking config

contracts: $(VENV)/installed-dev
	$(BIN)/lint-imports

migrations: $(VENV)/installed-dev
	$(BIN)/python manage.py makemigrations --check --dry-run

# The screenshots in docs/pictures; needs Chromium.
pictures: $(VENV)/installed-dev
	$(BIN)/python docs/pictures/take.py

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Podium needs Python 3.11 or newer; $(PYTHON) is older. Name another: make PYTHON=python3.12 run"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(VENV)/bin/python requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m ranking.engines.warm_up
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.txt requirements-diffusers.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

# Leaves var/ alone: it holds the database and the pictures.
clean:
	rm -rf $(VENV)
