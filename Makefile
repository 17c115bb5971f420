# Everything that people and CI do here. `make help` lists it.
SHELL := /bin/sh
.SHELLFLAGS := -eu -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
SOURCES := drill experiments validators reports tests benchmarks
# A shell's own $ENV is no environment of ours.
ifneq ($(origin ENV),command line)
ENV := bundled
endif
unexport ENV SCENARIO SEED ARGS
# Without compiled files each of our many processes would compile hundreds of modules anew.
unexport PYTHONDONTWRITEBYTECODE
# Who runs beside whom, and in which order, is said by tests/beside.py.
BESIDE := --dist loadscope --no-loadscope-reorder -n 3
# Other work can starve a staging on two cores: what failed is told, and must pass alone.
AGAIN := { printf 'test: what failed is tried once more, alone\n' >&2; \
	$(BIN)/pytest --last-failed --last-failed-no-failures=none --cov --cov-append --cov-report=; }
BUNDLED := $(filter bundled,$(ENV))

# What the fast tests reached, whoever ran beside them: tests/conftest.py names their context.
PROMISED := $(BIN)/coverage report --contexts='^(fast)?$$' --precision=2 --fail-under=100

help: ## list what can be done
	@printf 'make drill SCENARIO=paystack-down [ENV=bundled] [SEED=7] [ARGS="--runs DIR"]\n\n'
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/  \1|\2/p' $(firstword $(MAKEFILE_LIST)) | \
		awk -F'|' '{ printf "%-16s %s\n", $$1, $$2 }'
	@printf '\nA drill ends with 0 pass, 1 fail, 2 bad input, 3 unknown, 4 something not healed; the last line tells\n'
	@printf 'which. make itself turns any of them but 0 into 2: scripts call $(BIN)/drill, or read report.json.\n'
	@printf 'DRILL_NO_INSTALL=1 forbids installing Docker, Chromium or any other package of the system.\n'

setup: ## Python environment, Docker engine, images and Chromium, whatever of them is missing
	@setup/python
	@setup/engine
	@setup/images
	@setup/chromium >/dev/null

setup-dev: dev setup ## as setup, and the tools of the developers

staging: setup ## bring the bundled staging up and wait until it is healthy
	@staging/bin/up

staging-down: ## take the bundled staging down; ARGS=--volumes removes its data too
	@setup/engine
	@staging/bin/down $(ARGS)

drill: $(if $(SCENARIO),$(if $(BUNDLED),staging,setup)) ## rehearse SCENARIO and write its report
	@if [ -z "$(SCENARIO)" ]; then \
		printf 'make drill needs a scenario: make drill SCENARIO=NAME, with one of\n' >&2; \
		for file in scenarios/*.yaml; do \
			[ ! -f "$$file" ] || printf '  %s\n' "$$(basename "$$file" .yaml)" >&2; \
		done; \
		exit 2; \
	fi
	@code=0; \
	$(BIN)/drill run "$(SCENARIO)" --env "$(ENV)" $(if $(SEED),--seed "$(SEED)") $(ARGS) || code=$$?; \
	printf 'drill: exit code %s\n' "$$code" >&2; \
	exit $$code

verify: $(if $(BUNDLED),staging,setup) ## run every validator without any fault, as after a rollback
	@$(BIN)/drill verify --env "$(ENV)" $(ARGS)

heal: ## undo whatever a drill left on staging
	@setup/python
	@$(BIN)/drill heal --env "$(ENV)" $(ARGS)

test: setup-dev ## everything: style, types, borders, secrets; fast, docker and browser tests
	@$(MAKE) checks & checks=$$!; code=0; \
	{ $(BIN)/pytest $(BESIDE) --cov --cov-report= $(ARGS) || $(AGAIN); } || code=$$?; \
	wait $$checks || { printf 'test: make checks failed, its words are above\n' >&2; code=1; }; \
	exit $$code
	@$(BIN)/coverage report --omit=none
	@$(if $(ARGS),,$(PROMISED))

checks: lint types imports secrets ## style, types, borders and secrets; `make test` has them done beside its tests

test-thorough: ## make test, and what it leaves out: every step, way and scenario once more
	@DRILL_THOROUGH=1 $(MAKE) test

prove-validators: setup-dev ## plant every bug and demand the finding that names it; ARGS="--only 1,5 --healthy 1"
	@$(BIN)/python -m tests.proving $(ARGS)

test-fast: dev ## the tests that need neither Docker nor Chromium
	@$(BIN)/pytest $(BESIDE) -m "not docker and not browser" $(ARGS)

coverage: dev ## the fast tests, and that they reach all that pyproject.toml promises
	@$(BIN)/pytest $(BESIDE) -m "not docker and not browser" --cov --cov-report=
	@$(PROMISED)

test-docker: setup-dev ## the tests that need a Docker engine
	@$(BIN)/pytest -m "docker and not browser" $(ARGS)

test-browser: setup-dev ## the tests that need Chromium
	@$(BIN)/pytest -m browser $(ARGS)

dev: ## only the Python environment, with the tools of the developers
	@setup/python dev

lint: dev ## ruff: rules and format
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check $(SOURCES) || { $(BIN)/ruff format --check $(SOURCES); exit 1; }

fmt: dev ## let ruff repair what it can
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format --quiet $(SOURCES)

types: dev ## mypy, strict
	@$(BIN)/mypy --no-error-summary

imports: dev ## the borders between the rooms
	@log=$$(mktemp); $(BIN)/lint-imports >"$$log" 2>&1 || { cat "$$log" >&2; rm -f "$$log"; exit 1; }; rm -f "$$log"

secrets: dev ## search everything that git knows for secrets, without asking any service
	@cp .secrets.baseline .secrets.scratch
	@git ls-files -z | xargs -0 $(BIN)/detect-secrets-hook --no-verify --baseline .secrets.scratch || \
		{ code=$$?; rm -f .secrets.scratch; exit $$code; }
	@rm -f .secrets.scratch

lock: ## write both lock files anew from pyproject.toml
	@setup/lock

bench: setup-dev ## the numbers of the benchmarks, ours beside a peer's
	@for file in benchmarks/[a-z]*.py; do \
		[ ! -f "$$file" ] || { printf '%s\n' "== $$file" >&2; $(BIN)/python "$$file" $(ARGS); }; \
	done

ci: ## what CI runs
	@.ci/run

clean: ## remove the environment and the caches; drills' reports stay
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage*
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.NOTPARALLEL:
.PHONY: help prove-validators setup setup-dev staging staging-down drill verify heal test test-thorough test-fast coverage \
	test-docker test-browser checks dev lint fmt types imports secrets lock bench ci clean
