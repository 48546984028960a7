# What a newcomer types: `make run`, then `make test`. Everything lands in .venv/ and build/.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
WORKERS ?= 2
PORT ?= 5000
MINUTES ?= 30
INPUTS ?= 1000000

.PHONY: help run serve demo-rollout test test-fast check fonts train bench soak fuzz audit lock clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-13s %s\n", $$1, $$2}'

run: $(VENV)/.base  ## read the sample images through the embedded Triton
	@$(BIN)/ocrctl server run -- $(BIN)/ocrctl recognize samples/*.png
	@echo
	@echo "Next, with $(BIN) on your PATH:"
	@echo "  make serve                           REST and web pages at http://127.0.0.1:$(PORT)"
	@echo "  ocrctl server up --detach            a Triton that stays, on 127.0.0.1:8000"
	@echo "  ocrctl recognize IMAGE... --json     your own line images"
	@echo "  ocrctl recognize IMAGE --arm crnn:4  one model, whatever the router says"
	@echo "  ocrctl server down                   stop it"
	@echo "The candidate's share and all else that can be set stands in config.yaml."

serve: $(VENV)/.base  ## REST and web pages over a Triton of their own, until Ctrl-C (PORT=5000)
	@$(BIN)/ocrctl server run -- $(BIN)/ocrctl serve --port $(PORT)

demo-rollout: $(VENV)/.dev  ## a good candidate goes to 100 %, a bad one is taken back (2 min)
	@$(BIN)/python -m benchmarks.demo_rollout

# Whole files to a worker, in the order of tests/conftest.py.
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test: $(VENV)/.dev $(VENV)/.fonts  ## all tests, on the real embedded Triton
	$(PYTEST)

test-fast: $(VENV)/.dev $(VENV)/.fonts  ## without the slow ones
	$(PYTEST) -m "not slow"

check: $(VENV)/.dev  ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

fonts: $(VENV)/.dev  ## fonts and word lists for training, with their licences
	$(BIN)/python -m ocr_training.fetch_fonts build/fonts

train: fonts  ## all recognisers from nothing (hours; resumes; build/training/)
	$(BIN)/ocrctl train run crnn --out build/training/crnn
	$(BIN)/ocrctl train run convnext --out build/training/convnext
	$(BIN)/ocrctl train run crnn_small --teacher build/training/crnn/ema.pt \
	    --out build/training/crnn_small --short-lines 0 --frame-share 0.4 --peak-rate 2e-3 --columns 2048

bench: $(VENV)/.dev $(VENV)/.fonts  ## speed against the limit and against others (10 min; BENCH="--quick")
	$(BIN)/python -m benchmarks --out benchmarks/results/bench.json $(BENCH)

soak: $(VENV)/.dev  ## steady load while faults are injected; do the books balance? (MINUTES=30)
	$(BIN)/python -m benchmarks.soak --minutes $(MINUTES) --json build/soak.json

fuzz: $(VENV)/.dev  ## a million spoilt inputs to all that strangers control (INPUTS=, about an hour)
	$(BIN)/python -m benchmarks.fuzz --inputs $(INPUTS) --out benchmarks/results/fuzz.json

audit: $(VENV)/.dev  ## known vulnerabilities of all that is locked (asks pypi.org)
	@test -x build/audit/bin/pip-audit || { $(PYTHON) -m venv build/audit && build/audit/bin/pip install --quiet 'pip-audit>=2.7,<3'; }
	$(BIN)/python -m benchmarks.audit build/audit/bin/pip-audit

lock: $(VENV)/.dev  ## resolve the dependencies anew
	$(PIP) 'uv>=0.5'
	$(UV_COMPILE) $(SERVED) pyproject.toml requirements/build.in -o requirements/service.lock
	$(UV_COMPILE) $(SERVED) --extra plot --extra parquet pyproject.toml requirements/dev.in -c requirements/service.lock -o requirements/dev.lock

# What `make run`, the service and its image need; dev.lock adds what tests and training do.
SERVED = --extra gateway --extra redis --extra control --extra pages
UV_COMPILE = $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.10 --generate-hashes \
	--no-annotate --no-header --no-emit-index-url --no-emit-find-links

clean:  ## everything that was made here
	rm -rf $(VENV) build

# The stamps are made last, so a broken set-up is done again.
$(VENV)/.base: requirements/service.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13) and f"this is Python {sys.version.split()[0]}; Python 3.10 to 3.13 is needed: make PYTHON=python3.12 ...")'
	@echo "setting up $(VENV) (once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) --require-hashes -r requirements/service.lock
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
