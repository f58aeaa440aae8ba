# Every verb of the repository. `make help` prints them.
SHELL := /bin/bash
comma := ,
space := $(subst ,, )
.DEFAULT_GOAL := help
PYTHON := python3
VENV := .venv
PY := $(VENV)/bin/python
# The list is members.toml; tests/lint checks that it names these folders.
MEMBERS := $(patsubst %/pyproject.toml,%,$(wildcard libs/*/pyproject.toml services/*/pyproject.toml onebox/pyproject.toml))
# DEP002: what is only loaded by name (drivers, engines, plugins) is declared and not imported.
DEPTRY := --no-ansi --ignore DEP002 --package-module-name-map \
  $(subst $(space),$(comma),$(foreach m,$(MEMBERS),zhuxue-$(notdir $m)=$(notdir $m)))
PIP := $(PY) -m pip --disable-pip-version-check install --quiet --no-compile

.PHONY: help run demo test conformance lint format lock snapshots up down clean

help: ## Print this list
	@grep -hE '^[a-z%-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

# The environment is made again only when a lock or a member's metadata has changed.
$(VENV)/.run: requirements/run.txt $(MEMBERS:%=%/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
	  { echo "Python 3.11 is needed: make PYTHON=/path/to/python3.11 …"; exit 1; }
	@$(PY) -m pip --version >/dev/null 2>&1 || { rm -rf $(VENV); $(PYTHON) -m venv $(VENV); } || \
	  { echo "No venv module: on Debian, apt-get install python3.11-venv"; exit 1; }
	@echo "Installing what the services need (once) …"
	@$(PIP) --require-hashes -r requirements/run.txt
	@$(PIP) --no-deps --no-build-isolation $(MEMBERS:%=-e %)
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	@echo "Installing what tests and lint need (once) …"
	@$(PIP) --require-hashes -r requirements/dev.txt
	@touch $@

run: $(VENV)/.run ## Start everything in one process on ports 8000-8003; Ctrl-C stops it
	@$(PY) -m onebox

demo: $(VENV)/.run ## Run the main job against a running system (WAIT=1 waits until a token has expired)
	@$(PY) -m onebox.demo $(if $(WAIT),--wait)

test: $(VENV)/.dev ## Run all tests, on PostgreSQL and RabbitMQ
	@$(PY) -m pytest $(ARGS)

conformance: $(VENV)/.dev ## Run the certification plans against Identity and write docs/conformance.md
	@$(PY) services/identity/tests/conformance/report.py $(ARGS)

lint: $(VENV)/.dev ## Types, style, import rules, conventions, migrations, event snapshots
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy $(MEMBERS:%=%/src) bench scaffold
	@$(VENV)/bin/lint-imports --no-cache
	@for member in $(MEMBERS); do (cd $$member && $(CURDIR)/$(VENV)/bin/deptry src $(DEPTRY) 2>&1 | { grep DEP0 && exit 1 || true; }) || exit 1; done
	@$(PY) -m pytest -q -m "not seeded" tests/lint tests/contracts tests/docs services/*/tests/test_migrations.py

format: $(VENV)/.dev ## Format the code and mend what ruff can mend
	@$(VENV)/bin/ruff check --fix-only --quiet .
	@$(VENV)/bin/ruff format .

lock: $(VENV)/.dev ## Compile requirements/*.in to pinned, hashed requirements/*.txt
	@for name in run dev; do \
	  $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-emit-index-url --no-emit-find-links requirements/$$name.in --output-file requirements/$$name.txt; done

bench-%: $(VENV)/.dev bench/%/__main__.py ## Run a benchmark: make bench-identity (ARGS=--quick, ARGS=--write)
	@$(PY) -m bench.$* $(ARGS)

snapshots: $(VENV)/.dev ## Record events' shapes, AsyncAPI and the REST reference (never over a breaking change)
	@$(PY) -m contracts.snapshots write tests/contracts/snapshots docs/asyncapi.json
	@$(PY) -m onebox.reference docs/api

up: ## Start the production composition (needs Docker and .env; see deploy/README.md)
	docker compose up --build --wait

down: ## Stop the production composition; data stays
	docker compose down

clean: ## Remove the virtual environment and the state of `make run`
	rm -rf $(VENV) .state
