# Each target is complete on its own: it makes the environment when it is missing or out of date.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadscope
STAMP := $(VENV)/.installed
READERS := .venv-readers
MATRIX := .venv-matrix
UV := $(MATRIX)/uv/bin/uv
# Where `make constraints` compiles the pinned versions.
PINNING := $(VENV)-constraints
COMPILE := $(PINNING)/bin/uv pip compile --quiet --universal --no-annotate --no-header --no-emit-index-url
# What dbt 1.12 requires, and cannot be built without a download.
PARSER := dbt-core-experimental-parser
# The newest Python that is here; `make test-matrix NEWEST=python3.12` names another.
NEWEST ?= $(firstword $(foreach name,python3.13 python3.12,$(shell $(name) --version >/dev/null 2>&1 && echo $(name))) $(PYTHON))
# dbt, dlt and great-expectations start seconds faster from compiled modules, whatever the machine's own setting.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo demo-postgres postgres stop-postgres test test-slow proof proof-slice test-readers test-matrix test-lowest test-highest test-dbt-1.12 test-duckdb-1.5 smoke-lowest smoke-dbt-1.12 smoke-duckdb-1.5 agreement faults soak reuse-pairs check docs picture lint types contracts bench clean environment constraints

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

# What every change must pass. Of the wide sweeps (tests/sweeps.py) it runs a smoke lane.
test: $(STAMP)
	$(PYTEST) -m "not slow"

# Tests that take many runs of the real tools each; CI runs them before the rest.
test-slow: $(STAMP)
	$(PYTEST) -m slow

# The whole proof, which takes hours: all tests with every sweep whole, every comparison with dbt, all faults, random
# runs, the readers of dbt's artifacts, and the suite on the lowest and highest versions. After an interruption or a
# failure it continues with the parts that have not passed on the same commit. `SLICE=3/24` runs one slice of the
# sweeps, a few minutes.
proof: $(STAMP)
	$(BIN)/python -m tests.proof $(if $(SLICE),--slice $(SLICE))

# The slice of the proof that the checked-out commit draws.
proof-slice: $(STAMP)
	$(BIN)/python -m tests.proof --slice

# The whole proof of agreement with dbt: every selection, 300 random ones, every defect, every way, hundreds of random projects.
agreement: $(STAMP)
	SWEEP=whole ELT_SELECTION_EXAMPLES=75 $(PYTEST) tests/agreement
	$(BIN)/python -m tests.agreement all

# Every kill and every other fault (docs/faults.md has the numbers).
faults: $(STAMP)
	SWEEP=whole $(PYTEST) tests/faults tests/functional/dlt/test_killed_load.py tests/functional/dlt/test_damaged_state.py

# Random runs that are killed again and again: `make soak SOAK=500`, and SEED=… to draw the same once more.
soak: $(STAMP)
	$(BIN)/python -m tests.faults.soak $(or $(SOAK),50) $(SEED)

# Random edits of every kind, each compared with a full run; an interrupted proof continues.
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

# The suite on the lowest releases that pyproject.toml allows, on dbt 1.12, on the LTS release of DuckDB, and on the newest releases of today.
test-matrix: test-lowest test-dbt-1.12 test-duckdb-1.5 test-highest

$(UV):
	$(PYTHON) -m venv $(MATRIX)/uv
	$(MATRIX)/uv/bin/python -m pip install --quiet --disable-pip-version-check uv

test-lowest: $(MATRIX)/lowest/.installed
	$(MATRIX)/lowest/bin/python -m pytest -n 2 --dist loadscope

# The smoke lane of it: one build with every kind of node, one load, one run of the command. It has the lowest DuckDB too.
smoke-lowest: $(MATRIX)/lowest/.installed
	$(MATRIX)/lowest/bin/python -m pytest -q -n 2 --dist loadscope $(SMOKE)

SMOKE := tests/unit/adapters tests/functional/dbt/test_build_like_dbt.py tests/functional/dlt/test_ingest_load.py tests/functional/great_expectations/test_validation_runner.py tests/cli/test_repair.py tests/cli/test_storage_version.py

$(MATRIX)/lowest/.installed: $(UV) pyproject.toml constraints-lowest.txt
	$(UV) venv --quiet --seed --clear --python $(PYTHON) $(MATRIX)/lowest
	$(UV) pip install --quiet --python $(MATRIX)/lowest/bin/python --no-deps --requirement constraints-lowest.txt --editable .
	touch $@

test-dbt-1.12: $(MATRIX)/dbt-1.12/.installed
	$(MATRIX)/dbt-1.12/bin/python -m pytest -n 2 --dist loadscope

smoke-dbt-1.12: $(MATRIX)/dbt-1.12/.installed
	$(MATRIX)/dbt-1.12/bin/python -m pytest -q -n 2 --dist loadscope $(SMOKE)

# --no-deps: the file leaves out dbt's parser of version 2, whose build downloads a program. Only --use-v2-parser needs it.
$(MATRIX)/dbt-1.12/.installed: $(UV) pyproject.toml constraints-dbt-1.12.txt
	$(UV) venv --quiet --seed --clear --python $(PYTHON) $(MATRIX)/dbt-1.12
	$(UV) pip install --quiet --python $(MATRIX)/dbt-1.12/bin/python --no-deps --requirement constraints-dbt-1.12.txt --editable .
	touch $@

# The pinned versions with the newest patch of DuckDB 1.5 in place of DuckDB 2.
test-duckdb-1.5: $(MATRIX)/duckdb-1.5/.installed
	$(MATRIX)/duckdb-1.5/bin/python -m pytest -n 2 --dist loadscope

smoke-duckdb-1.5: $(MATRIX)/duckdb-1.5/.installed
	$(MATRIX)/duckdb-1.5/bin/python -m pytest -q -n 2 --dist loadscope $(SMOKE)

$(MATRIX)/duckdb-1.5/.installed: $(UV) pyproject.toml constraints.txt
	$(UV) venv --quiet --clear --seed --python $(PYTHON) $(MATRIX)/duckdb-1.5
	sed 's/^duckdb==.*/duckdb>=1.5.4,<1.6/' constraints.txt > $(MATRIX)/duckdb-1.5.txt
	$(UV) pip install --quiet --python $(MATRIX)/duckdb-1.5/bin/python --no-deps --requirement $(MATRIX)/duckdb-1.5.txt --editable .
	touch $@

# The smoke lane on another Python, with the pinned versions: `make smoke-python-3.12`. uv finds the interpreter, or pyenv has it.
smoke-python-%: $(UV) constraints.txt
	@found=$$($(UV) python find --no-python-downloads $* 2>/dev/null || ls -d ~/.pyenv/versions/$*.*/bin/python 2>/dev/null | tail -n 1); \
	test -n "$$found" || { echo "There is no Python $* here, so its smoke lane cannot run. Install it, for example with pyenv."; exit 1; }; \
	$(UV) venv --quiet --seed --clear --python "$$found" $(MATRIX)/python-$*
	$(UV) pip install --quiet --python $(MATRIX)/python-$*/bin/python --no-deps --requirement constraints.txt --editable .
	$(MATRIX)/python-$*/bin/python -m pytest -q -n 2 --dist loadscope $(SMOKE)

test-highest: $(UV)
	$(UV) venv --quiet --seed --clear --python $(NEWEST) $(MATRIX)/highest
	echo $(PARSER) > $(MATRIX)/excluded.txt
	$(UV) pip compile --quiet --python $(MATRIX)/highest/bin/python --all-extras --no-annotate --no-header --no-emit-index-url --excludes $(MATRIX)/excluded.txt --upgrade pyproject.toml --output-file $(MATRIX)/highest.txt
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

# Compiles the pinned versions afresh from pyproject.toml. All but those of dbt 1.12 stay on dbt 1.11: with dbt 1.12, pip
# would build dbt's parser of version 2. Apart from dbt, the versions of dbt 1.12 are those of constraints.txt.
constraints:
	$(PYTHON) -m venv $(PINNING)
	$(PINNING)/bin/python -m pip install --quiet uv
	echo 'dbt-core<1.12' > $(PINNING)/dbt-1.11.txt
	echo 'dbt-core>=1.12,<1.13' > $(PINNING)/dbt-1.12.txt
	echo $(PARSER) > $(PINNING)/excluded.txt
	$(COMPILE) --all-extras --upgrade --constraint $(PINNING)/dbt-1.11.txt pyproject.toml --output-file constraints.txt
	$(COMPILE) --upgrade --constraint $(PINNING)/dbt-1.11.txt pyproject.toml tests/readers/requirements.in --output-file constraints-readers.txt
	$(COMPILE) --resolution lowest-direct --all-extras --upgrade --constraint $(PINNING)/dbt-1.11.txt pyproject.toml --output-file constraints-lowest.txt
	cp constraints.txt constraints-dbt-1.12.txt
	$(COMPILE) --all-extras --upgrade-package dbt-core --upgrade-package mashumaro --constraint $(PINNING)/dbt-1.12.txt --excludes $(PINNING)/excluded.txt pyproject.toml --output-file constraints-dbt-1.12.txt
	rm -rf $(PINNING)

clean: stop-postgres
	rm -rf $(VENV) $(PINNING) $(READERS) $(MATRIX) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .elt
	rm -rf dbt_project/target dbt_project/logs dbt_project/*.duckdb dbt_project/*.duckdb.wal
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
