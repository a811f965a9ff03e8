# One word per duty; `make` alone lists them. Needs Python 3.11 or newer; uses uv where it is there, else pip.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
export UV_PYTHON_DOWNLOADS := never
# Three thousand modules take seconds to compile: keep what was compiled, also where the environment says not to.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
RUNTIME := .venv/.runtime-installed
DEV := .venv/.dev-installed
TYPESCRIPT := tests/clients/typescript
WORKERS ?= 2
ARGS ?=

# $(call install,lock) puts what a lock names into the environment, then the project itself, linked to this folder.
# A lock is whole, so nothing is resolved: pip by itself would look at a newer coverage for `coverage[toml]`, and refuse it.
define install
@echo "Installing $(1)"
@if uv --version >/dev/null 2>&1; then pip="uv pip install --quiet --compile-bytecode --python $(BIN)/python"; \
else pip="$(BIN)/python -m pip install --quiet --disable-pip-version-check"; fi; \
$$pip --require-hashes --no-deps -r $(1); \
$$pip --require-hashes --no-deps -r requirements/build.txt; \
$$pip --no-build-isolation --no-deps --editable .
@touch $@
endef

.PHONY: help
help: ## list the duties
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: $(RUNTIME) ## migrate, make the first superadmin, start the service and a demonstration (ARGS="--port 9000")
	@exec $(BIN)/stationmaster demo $(ARGS)

.PHONY: test
test: $(DEV) $(TYPESCRIPT)/.installed ## run every test, on SQLite and on PostgreSQL (ARGS="-k queue")
	$(BIN)/pytest -n $(WORKERS) --dist worksteal --ignore tests/fuzz $(ARGS)
	@# In processes of its own: its tests are not async, and an async fixture that others have used is gone for those.
	$(if $(ARGS),,$(BIN)/pytest -n $(WORKERS) tests/fuzz)

.PHONY: check
check: $(DEV) ## lint, format, types, import contracts; changes nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: fix
fix: $(DEV) ## format, and mend what the linter can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: bench
bench: $(DEV) ## measure throughput and lateness on this machine
	$(BIN)/python -m bench $(ARGS)

.PHONY: fuzz
fuzz: $(DEV) ## call every operation with far more than the tests do, at random (ARGS="-k jobs")
	STATIONMASTER_TEST_FUZZ_EXAMPLES=$${STATIONMASTER_TEST_FUZZ_EXAMPLES:-200} $(BIN)/pytest -n $(WORKERS) --dist worksteal --timeout 3600 tests/fuzz $(ARGS)

.PHONY: faults
faults: $(DEV) ## kill and freeze real replicas at random, then look for anything lost
	$(BIN)/python -m bench.faults $(ARGS)

.PHONY: revision
revision: $(DEV) ## write a migration from the models (m="add teams")
	@test -n "$(m)" || { echo 'Say what it does: make revision m="add teams"' >&2; exit 2; }
	@folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	export STATIONMASTER_DATABASE_URL="sqlite+aiosqlite:///$$folder/empty.sqlite3"; \
	$(BIN)/alembic upgrade head; $(BIN)/alembic revision --autogenerate -m "$(m)"

.PHONY: docs
docs: $(DEV) ## write docs/reference and .env.example from the code
	$(BIN)/python -m docs.generate

.PHONY: lock
lock: ## resolve pyproject.toml into requirements/ (needs uv; ARGS=--upgrade for the newest of everything)
	@for lock in "runtime.txt pyproject.toml" "dev.txt pyproject.toml --group dev --constraint requirements/runtime.txt" "build.txt --group build --constraint requirements/dev.txt"; do \
	set -- $$lock; file=requirements/$$1; shift; \
	uv pip compile "$$@" --output-file "$$file" --universal --python-version 3.11 \
	--generate-hashes --no-header --no-annotate --quiet $(ARGS); done

.PHONY: build
build: $(DEV) ## make the wheel, in dist/
	$(BIN)/python -m hatchling build --target wheel

.PHONY: image
image: ## make the container image stationmaster:latest
	docker build --tag stationmaster:latest .

.PHONY: clean
clean: ## throw the environment and all caches away; data/ stays
	rm -rf .venv dist $(TYPESCRIPT)/node_modules $(TYPESCRIPT)/.installed .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUNTIME): pyproject.toml requirements/build.txt requirements/runtime.txt | $(BIN)/python
	$(call install,requirements/runtime.txt)

$(DEV): pyproject.toml requirements/build.txt requirements/dev.txt | $(BIN)/python
	$(call install,requirements/dev.txt)

$(TYPESCRIPT)/.installed: $(TYPESCRIPT)/package-lock.json
	@if npm --version >/dev/null 2>&1; then npm ci --prefix $(TYPESCRIPT) --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null; touch $@; \
	else echo "No npm: the client for TypeScript is not tried."; fi

$(BIN)/python:
	@for python in python3.11 python3.12 python3.13 python3.14 python3; do \
	if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; done; \
	if [ -z "$${found:-}" ]; then echo "Stationmaster needs Python 3.11 or newer, and finds none." >&2; exit 1; fi; \
	if uv --version >/dev/null 2>&1; then uv venv --quiet --python "$$("$$found" -c 'import sys; print(sys.executable)')" .venv; exit; fi; \
	if ! "$$found" -c 'import ensurepip' 2>/dev/null; then \
	echo "$$found cannot make environments; install its venv package (Debian: apt install python3-venv) or uv." >&2; exit 1; fi; \
	"$$found" -m venv .venv
