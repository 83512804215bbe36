# Each target is complete on its own: it makes the environment when it is missing or out of date.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
READERS := .venv-readers
MATRIX := .venv-matrix
UV := $(MATRIX)/uv/bin/uv
# The newest Python that is here; `make test-matrix NEWEST=python3.12` names another.
NEWEST ?= $(firstword $(foreach name,python3.13 python3.12,$(shell $(name) --version >/dev/null 2>&1 && echo $(name))) $(PYTHON))
# dbt, dlt and great-expectations start seconds faster from compiled modules, whatever the machine's own setting.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo demo-postgres postgres stop-postgres test test-slow test-readers test-matrix test-lowest test-highest agreement faults soak reuse-pairs check docs picture lint types contracts bench clean environment constraints

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[demo,dev]'
	touch $(STAMP)

environment: $(STAMP)

demo: $(STAMP)
	$(BIN)/elt run --select marts

# The same on PostgreSQL: starts a server of its own on this machine, which goes on until `make stop-postgres`.
demo-postgres: postgres
	DEMO_PG_HOST=127.0.0.1 $(BIN)/elt run --target postgres --select marts

postgres: $(STAMP)
	$(BIN)/python -m demo.postgres start

stop-postgres:
	$(PYTHON) -m demo.postgres stop

test: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadscope -m "not slow"

# What takes many runs of the real tools; CI runs it before the rest.
test-slow: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadscope -m slow

# The whole proof of agreement with dbt: every selection, 300 random ones, every defect, every way, hundreds of random projects.
agreement: $(STAMP)
	WHOLE_CORPUS=1 ELT_SELECTION_EXAMPLES=75 $(BIN)/python -m pytest -n 2 --dist loadscope tests/agreement/test_selection.py tests/agreement/test_selection_random.py
	$(BIN)/python -m tests.agreement all

# The whole proof by fault: 170 deaths of small runs, 30 of runs with the real dbt and dlt.
faults: $(STAMP)
	WHOLE_FAULTS=1 $(BIN)/python -m pytest -n 2 --dist loadscope tests/faults

# Random runs that are killed again and again: `make soak SOAK=500`, and SEED=… to draw the same once more.
soak: $(STAMP)
	$(BIN)/python -m tests.faults.soak $(or $(SOAK),50) $(SEED)

# Random edits from every bullet of the reuse rule, each compared with a full run; an interrupted run goes on.
reuse-pairs: $(STAMP)
	$(BIN)/python -m tests.reuse_pairs --pairs $(or $(PAIRS),150) --seed $(or $(SEED),1)

# What people read dbt's artifacts with needs versions of its own: an environment apart, with elt in it.
$(READERS)/.installed: pyproject.toml constraints-readers.txt tests/readers/requirements.in
	$(PYTHON) -m venv $(READERS)
	$(READERS)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints-readers.txt uv
	$(READERS)/bin/uv pip install --quiet --python $(READERS)/bin/python --constraint constraints-readers.txt --requirement tests/readers/requirements.in --editable .
	touch $@

test-readers: $(READERS)/.installed
	$(READERS)/bin/python -m pytest tests/readers

# The suite on the lowest releases that pyproject.toml allows, and on the newest of today.
test-matrix: test-lowest test-highest

$(UV):
	$(PYTHON) -m venv $(MATRIX)/uv
	$(MATRIX)/uv/bin/python -m pip install --quiet --disable-pip-version-check uv

test-lowest: $(UV)
	$(UV) venv --quiet --clear --python $(PYTHON) $(MATRIX)/lowest
	$(UV) pip install --quiet --python $(MATRIX)/lowest/bin/python --no-deps --requirement constraints-lowest.txt --editable .
	$(MATRIX)/lowest/bin/python -m pytest -n 2 --dist loadscope

test-highest: $(UV)
	$(UV) venv --quiet --clear --python $(NEWEST) $(MATRIX)/highest
	$(UV) pip compile --quiet --python $(MATRIX)/highest/bin/python --all-extras --no-annotate --no-header --no-emit-index-url --upgrade pyproject.toml --output-file $(MATRIX)/highest.txt
	$(UV) pip install --quiet --python $(MATRIX)/highest/bin/python --no-deps --requirement $(MATRIX)/highest.txt --editable .
	$(MATRIX)/highest/bin/python -m pytest -n 2 --dist loadscope

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/codespell

types: $(STAMP)
	$(BIN)/mypy

contracts: $(STAMP)
	$(BIN)/lint-imports

check: lint types contracts

# The sections of docs/errors.md, from the error classes.
docs: $(STAMP)
	$(BIN)/python -m docs.error_page

# The picture in README.md: a recorded run of the reference project.
picture: $(STAMP)
	$(BIN)/python -m docs.picture

bench: $(STAMP)
	$(BIN)/python -m benchmarks

# Compiles the pinned versions afresh from pyproject.toml.
constraints:
	$(PYTHON) -m venv $(VENV)-constraints
	$(VENV)-constraints/bin/python -m pip install --quiet uv
	$(VENV)-constraints/bin/uv pip compile --quiet --universal --all-extras --no-annotate --no-header --no-emit-index-url --upgrade pyproject.toml --output-file constraints.txt
	$(VENV)-constraints/bin/uv pip compile --quiet --universal --no-annotate --no-header --no-emit-index-url --upgrade pyproject.toml tests/readers/requirements.in --output-file constraints-readers.txt
	$(VENV)-constraints/bin/uv pip compile --quiet --universal --resolution lowest-direct --all-extras --no-annotate --no-header --no-emit-index-url --upgrade pyproject.toml --output-file constraints-lowest.txt
	rm -rf $(VENV)-constraints

clean: stop-postgres
	rm -rf $(VENV) $(VENV)-constraints $(READERS) $(MATRIX) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .elt
	rm -rf dbt_project/target dbt_project/logs dbt_project/*.duckdb dbt_project/*.duckdb.wal
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
