# A fresh machine needs only `make demo` and `make test`; both make their own environment in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PEERS := .venv-peers
# Tests compute on one thread each. Each process begins at a place of its own and later takes over what another has left.
SIDE_BY_SIDE ?= -n 2 --dist worksteal
# Temporary folders lie in memory where there is room for them: what is synced at every step need not reach a disk there.
MEMORY ?= /dev/shm
KIBIBYTES := 2000000
PYTEST = place=; \
	if [ -w $(MEMORY) ] && [ "$$(df -Pk $(MEMORY) | awk 'END { print $$4 }')" -gt $(KIBIBYTES) ]; then \
		place=$$(mktemp -d $(MEMORY)/headstart-tests-XXXXXX); \
		trap 'rm -rf "$$place"' EXIT; trap 'exit 130' INT TERM; \
	fi; \
	$(BIN)/python -m pytest -q $(SIDE_BY_SIDE) $${place:+--basetemp="$$place/pytest"}
export HF_HUB_OFFLINE ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo docs test test-all fuzz faults check bench bench-quick clean

demo: $(VENV)/.installed  ## transfer the embedded backbone to the sample data; leaves runs/demo
	$(BIN)/headstart fit examples/feedback/train.csv --test examples/feedback/test.csv --output runs/demo --overwrite

docs: $(VENV)/.installed-docs  ## the documentation as pages: docs/_build/index.html
	$(BIN)/python -m sphinx -W --keep-going -q docs docs/_build

test: $(VENV)/.installed-dev  ## the default tests
	$(PYTEST) -m "not slow"

test-all: $(VENV)/.installed-dev  ## with the slow ones
	$(PYTEST)

faults: $(VENV)/.installed-dev  ## break the code on purpose: the tests that guard it turn red
	$(BIN)/python tests/planted_faults.py

fuzz: $(VENV)/.installed-dev  ## 10,000 folders and recipes with one thing changed: refused, or the same answer
	$(BIN)/python tests/attacks/fuzz.py

check: $(VENV)/.installed-dev  ## format, lint, types, layers
	$(BIN)/ruff format --check src tests benchmarks docs examples
	$(BIN)/ruff check src tests benchmarks docs examples
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

bench: $(VENV)/.installed-dev $(PEERS)/.installed  ## all measured claims, peers in turn with headstart; several hours
	$(BIN)/python benchmarks/training_speed.py
	$(BIN)/python benchmarks/reading_speed.py --peer $(PEERS)/bin/python
	$(BIN)/python benchmarks/again.py
	$(BIN)/python benchmarks/arithmetic.py
	$(BIN)/python benchmarks/processes.py
	$(BIN)/python benchmarks/pretraining_speed.py
	$(BIN)/python benchmarks/bits_per_byte.py
	$(BIN)/python benchmarks/domain_gate.py
	$(BIN)/python benchmarks/stepping_stones.py
	$(BIN)/python benchmarks/averages.py
	$(BIN)/python benchmarks/task_adaptation.py
	$(BIN)/python benchmarks/pretrained_here.py --own-texts --strategy fine-tuning
	$(BIN)/python benchmarks/defaults.py
	$(BIN)/python benchmarks/tasks.py --seeds 3
	$(BIN)/python benchmarks/thresholds.py
	$(BIN)/python benchmarks/time_to_accuracy.py
	$(BIN)/python benchmarks/checkpoint_cost.py
	$(BIN)/python benchmarks/crash_safety.py
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/few_labels.py --peer $(PEERS)/bin/python
	$(BIN)/python benchmarks/text_classification.py
	$(BIN)/python benchmarks/budgets.py
	$(BIN)/python benchmarks/tuning.py
	$(BIN)/python benchmarks/label_curve.py
	$(BIN)/python benchmarks/few_questions.py
	$(BIN)/python benchmarks/million_rows.py
	$(BIN)/python benchmarks/raw_text.py
	$(BIN)/python benchmarks/long_texts.py
	$(BIN)/python benchmarks/guessing.py
	$(BIN)/python benchmarks/untouched_retrieval.py
	$(BIN)/python benchmarks/search_speed.py
	$(BIN)/python benchmarks/encoding_speed.py
	$(BIN)/python benchmarks/index_size.py
	$(BIN)/python benchmarks/gpu_share.py

bench-quick: $(VENV)/.installed-dev  ## does every speed benchmark run? a few rows, nothing kept
	$(BIN)/python benchmarks/training_speed.py --quick
	$(BIN)/python benchmarks/reading_speed.py --quick
	$(BIN)/python benchmarks/again.py --quick
	$(BIN)/python benchmarks/arithmetic.py --quick
	$(BIN)/python benchmarks/processes.py --quick
	$(BIN)/python benchmarks/checkpoint_cost.py --quick
	$(BIN)/python benchmarks/crash_safety.py --quick
	$(BIN)/python benchmarks/stepping_stones.py --quick
	$(BIN)/python benchmarks/averages.py --quick
	$(BIN)/python benchmarks/tuning.py --quick
	$(BIN)/python benchmarks/pretraining_speed.py --quick
	$(BIN)/python benchmarks/search_speed.py --quick
	$(BIN)/python benchmarks/encoding_speed.py --quick
	$(BIN)/python benchmarks/index_size.py --quick

$(PEERS)/.installed: benchmarks/peers/requirements.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install -q torch==2.13.0
	$(PEERS)/bin/python -m pip install -q -r benchmarks/peers/requirements.txt
	touch $@

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install -q -c constraints.txt torch
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[mini]"
	touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(VENV)/.installed
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[dev]"
	touch $@

$(VENV)/.installed-docs: pyproject.toml constraints.txt | $(VENV)/.installed
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[docs]"
	touch $@

clean:
	rm -rf $(VENV) $(PEERS) runs build docs/_build docs/catalogue *.egg-info src/*.egg-info .pytest_cache .ruff_cache .hypothesis
