PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --quiet --disable-pip-version-check

.PHONY: demo test quick long lint bench clean

# Sets up and runs the main job: a generated shop, its playbooks, the dry run.
demo: $(VENV)/.installed
	$(BIN)/dangol demo demo-shop --no-open

# Sets up and runs everything that must hold.
test: lint
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The inner loop: the language and the engine.
quick: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n 2 -m "not slow" tests/engine/check tests/engine/vector tests/conformance

# What takes minutes: every point of death, a thousand random ones, a whole month.
long: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n 2 -m slow

bench: $(VENV)/.installed-bench
	$(BIN)/python -m bench.run

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install -c constraints.txt -e .
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(PIP) install -c constraints.txt -e '.[test]'
	touch $@

$(VENV)/.installed-bench: $(VENV)/.installed
	$(PIP) install -c constraints.txt -e '.[bench]'
	touch $@

clean:
	rm -rf $(VENV) demo-shop
