# Every target sets up its own environment in $(VENV) first; nothing else is needed but Python and pip.
#   make try    the same as demo in about a minute, with far too little training
#   make demo   train, replay and rank three methods on the embedded suite
#   make test   style, types, layers and tests
#   make proofs  the tests that take minutes on real models
#   make fuzz   files changed at random, guided by coverage, against everything that reads them; FUZZ_SECONDS=60
#   make gates  what the embedded suite has to show, three seeds (benchmarks/README.md)
#   make coverage  how often intervals hold the truth on synthetic runs (benchmarks/README.md)
# Where pip would fetch a CUDA build of torch and you want the small one:
#   make demo TORCH_INDEX=https://download.pytorch.org/whl/cpu

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
TORCH_INDEX ?=
DEMO_OUT ?= runs/demo
TRY_OUT ?= runs/try
GATES_OUT ?= runs/gates
BOARD_OUT ?= runs/leaderboard
BOARD_SUITES ?= mini mini-multi mini-coin
FUZZ_SECONDS ?= 60

.PHONY: try demo gates coverage test proofs fuzz fast-test leaderboards style format wheel-check clean

try: $(VENV)/.ready
	@echo "== training, replaying and ranking three methods on the embedded suite, in about a minute"
	$(BIN)/cvit-bench demo --quick --out $(TRY_OUT)

demo: $(VENV)/.ready
	@echo "== training, replaying and ranking three methods on the embedded suite (no GPU, no network)"
	$(BIN)/cvit-bench demo --out $(DEMO_OUT)

# Makes the committed entries and pages anew: hours of two processes for each suite; interrupted, it goes on.
leaderboards: $(VENV)/.ready
	$(BIN)/python benchmarks/mini_leaderboard.py --processes 2 --suites $(BOARD_SUITES) --out $(BOARD_OUT)

gates: $(VENV)/.ready
	$(BIN)/python benchmarks/mini_gates.py --out $(GATES_OUT) --markdown $(GATES_OUT)/report.md

coverage: $(VENV)/.ready
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.coverage

test: style
	@echo "== tests"
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto --dist loadfile --no-loadscope-reorder -m "not proof"

# What takes minutes on real models: kills in the middle of a replay, every routed method replayed, a chosen rate.
proofs: $(VENV)/.ready
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto --dist loadfile --no-loadscope-reorder -m proof

# What it finds is written to runs/fuzz/crash-…; the same command with that file runs it again.
fuzz: $(VENV)/.ready
	$(PIP) install -q -c constraints.txt -e ".[fuzz]"
	mkdir -p runs/fuzz
	cd runs/fuzz && PYTHONPATH=$(CURDIR) $(abspath $(BIN))/python -m tests.faults.fuzz corpus \
	  -max_total_time=$(FUZZ_SECONDS)

fast-test: $(VENV)/.ready
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto --dist loadfile --no-loadscope-reorder -m "not slow and not packaging and not proof"

style: $(VENV)/.ready
	@echo "== style, types, layers, data files"
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/cvit-bench validate
	$(BIN)/cvit-bench leaderboard --check

format: $(VENV)/.ready
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Builds the wheel, installs it with all it needs in an empty environment elsewhere, and runs it there.
wheel-check: $(VENV)/.ready
	sh tests/packaging/wheel_check.sh $(BIN)/python "$(TORCH_INDEX)"

$(VENV)/.ready: pyproject.toml constraints.txt
	@echo "== setting up $(VENV) (once; torch comes first, pinned in constraints.txt)"
	$(PYTHON) -m venv $(VENV)
	$(PIP) install -q -c constraints.txt $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch
	$(PIP) install -q -c constraints.txt -e ".[dev]"
	@touch $@

clean:
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
