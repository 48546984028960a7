# What a newcomer types: `make run`, then `make test`. Everything lands in .venv/ and build/.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
WORKERS ?= 2

.PHONY: help run demo-rollout test test-fast check fonts train bench lock clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-13s %s\n", $$1, $$2}'

run: $(VENV)/.base  ## read the sample images through the embedded Triton
	@$(BIN)/ocrctl server run -- $(BIN)/ocrctl recognize samples/*.png
	@echo
	@echo "Next, with $(BIN) on your PATH:"
	@echo "  ocrctl server up --detach            a Triton that stays, on 127.0.0.1:8000"
	@echo "  ocrctl recognize IMAGE... --json     your own line images"
	@echo "  ocrctl recognize IMAGE --arm crnn:2  one model, whatever the router says"
	@echo "  ocrctl server down                   stop it"
	@echo "The candidate's share and all else that can be set stands in config.yaml."

demo-rollout: $(VENV)/.dev  ## a good candidate goes to 100 %, a bad one is taken back (2 min)
	@$(BIN)/python -m benchmarks.demo_rollout

test: $(VENV)/.dev $(VENV)/.fonts  ## all tests, on the real embedded Triton
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

test-fast: $(VENV)/.dev $(VENV)/.fonts  ## without the slow ones
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "not slow"

check: $(VENV)/.dev  ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

fonts: $(VENV)/.dev  ## fonts and word lists for training, with their licences
	$(BIN)/python -m ocr_training.fetch_fonts build/fonts

train: fonts  ## both recognisers from nothing (hours; resumes; build/training/)
	$(BIN)/ocrctl train run crnn --out build/training/crnn
	$(BIN)/ocrctl train run convnext --out build/training/convnext

bench: $(VENV)/.dev  ## speed of preprocessing, serving and both runtimes
	$(BIN)/python -m benchmarks

lock: $(VENV)/.dev  ## resolve the dependencies anew
	$(PIP) 'uv>=0.5'
	$(UV_COMPILE) pyproject.toml requirements/build.in -o requirements/base.lock
	$(UV_COMPILE) --extra redis --extra control --extra plot pyproject.toml requirements/dev.in -c requirements/base.lock -o requirements/dev.lock

UV_COMPILE = $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.10 --generate-hashes \
	--no-annotate --no-header --no-emit-index-url --no-emit-find-links

clean:  ## everything that was made here
	rm -rf $(VENV) build

# The stamps are made last, so a broken set-up is done again.
$(VENV)/.base: requirements/base.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13) and f"this is Python {sys.version.split()[0]}; Python 3.10 to 3.13 is needed: make PYTHON=python3.12 ...")'
	@echo "setting up $(VENV) (once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) --require-hashes -r requirements/base.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.base requirements/dev.lock requirements/torch.txt
	@echo "adding what tests and training need to $(VENV) (once)"
	@$(PIP) --require-hashes -r requirements/dev.lock
	@$(PIP) -r requirements/torch.txt
	@touch $@

# The tests make lines from a few small fonts; training wants them all.
$(VENV)/.fonts: $(VENV)/.dev training/ocr_training/fetch_fonts.py
	@$(BIN)/python -m ocr_training.fetch_fonts build/fonts-small --small
	@touch $@
