# All developer commands, by verb. Paths are relative on purpose: the clone's path may contain spaces.

PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
STAMP := .venv/.installed
PAGE := api/web
NODE := $(BIN)/node
TOOLS := $(PAGE)/node_modules

.DEFAULT_GOAL := help
.PHONY: help setup demo up test long lint types bench documents screenshots lock clean

help: ## list these verbs
	@echo "make VERB [ARGS=…]      (PYTHON=… chooses another Python ≥ 3.11)"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-11s %s\n", $$1, $$2 }' Makefile

setup: $(STAMP) ## install .venv and the page's libraries from hashed locks; a second run is instant

demo: $(STAMP) ## run the demo: a stream, a reviewer, better models, a checked summary (ARGS=--exit ends after it)
	@$(BIN)/relearn demo $(ARGS)

up: $(STAMP) ## run everything on this machine until Ctrl-C (ARGS="--score 4 --store 2")
	@$(BIN)/relearn up $(ARGS)

# Where compiled modules aren't kept, each process of the tests and each worker compiles them again.
test long: export PYTHONDONTWRITEBYTECODE :=
test: $(STAMP) ## the tests, on real servers, three files at a time (ARGS=unit: unit and contract tests only, in seconds)
ifeq ($(strip $(ARGS)),unit)
	@$(BIN)/python -m pytest -q -m "not long" tests/unit tests/contract
else
	@$(BIN)/python -m pytest -q -m "not long" -n 3 --dist loadfile --no-loadscope-reorder --durations=15 --durations-min=5 $(ARGS)
endif

long: $(STAMP) ## every test at full size
	@TEST_SIZE=full $(BIN)/python -m pytest -q $(ARGS)

lint: $(STAMP) ## ruff: rules and format; eslint: the page's code; the words that docs and comments avoid
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(NODE) $(TOOLS)/eslint/bin/eslint.js --config $(PAGE)/eslint.config.mjs $(PAGE)
	@$(BIN)/python -P -m relearn.scripts.dev.words

types: $(STAMP) ## mypy, and tsc on the page's code with the types of the OpenAPI document; both strict
	@$(BIN)/mypy
	@$(NODE) $(TOOLS)/openapi-typescript/bin/cli.js schemas/openapi.json --output $(TOOLS)/.cache/openapi.d.ts \
		--empty-objects-unknown --default-non-nullable=false >/dev/null
	@$(NODE) $(TOOLS)/typescript/bin/tsc --project $(PAGE)

bench: $(STAMP) ## measure this machine, all of it or one thing (ARGS=score, ARGS="latency --seconds 60")
	@$(BIN)/relearn bench $(or $(ARGS),score)
	@$(if $(ARGS),,$(BIN)/relearn bench latency)

documents: $(STAMP) ## write schemas/openapi.json and schemas/asyncapi.json from the code
	@$(BIN)/python -P -m relearn.scripts.dev.documents

screenshots: $(STAMP) ## take the pictures in docs/screenshots from a small real system (needs Chromium)
	@$(BIN)/python -P -m relearn.scripts.dev.screenshots

lock: $(STAMP) ## lock the newest versions: requirements.lock, the page's libraries, Kafka's jars
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header --upgrade --quiet --output-file requirements.lock
	@$(BIN)/uv pip compile pyproject.toml --extra registry --constraint requirements.lock --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-emit-find-links --no-header --quiet \
		--output-file requirements-runtime.lock
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm install --prefix $(PAGE) --ignore-scripts --package-lock-only --loglevel=error \
		htm@latest uplot@latest
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm install --prefix $(PAGE) --ignore-scripts --package-lock-only --loglevel=error \
		--save-dev axe-core@latest eslint@latest @eslint/js@latest globals@latest openapi-typescript@latest preact@10 typescript@5
	@$(BIN)/python -m relearn.scripts.embedded.servers.jars > .venv/jars.lock && mv .venv/jars.lock scripts/embedded/servers/kafka-jars.lock
	@git --no-pager diff --stat -- requirements.lock requirements-runtime.lock $(PAGE)/package-lock.json scripts/embedded/servers/kafka-jars.lock

clean: ## remove generated files, except the data in .relearn
	@rm -rf .venv $(PAGE)/node_modules build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(STAMP): requirements.lock pyproject.toml $(PAGE)/package-lock.json
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "relearn needs Python 3.11 or newer; \"$(PYTHON)\" is $$($(PYTHON) --version 2>&1). Try: make setup PYTHON=python3.12" >&2; exit 1; }
	@echo "setup 1/4: a virtual environment in .venv" >&2
	@$(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear .venv
	@echo "setup 2/4: the packages of requirements.lock (≈ 1.6 GB on disk; a minute or so)" >&2
	@{ PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install --progress-bar off --require-hashes \
		-r requirements.lock || echo FAILED; } | awk -v all="$$(grep -c == requirements.lock)" -v tty="$$(test -t 2 && echo 1)" ' \
		/^FAILED/ { failed = 1 } \
		/^(Collecting|Requirement)/ { n++; if (tty) printf "\r\033[K  %d of %d  %s", n, all, $$2; else if (n % 20 == 0) printf "  %d of %d\n", n, all } \
		/^Installing/ { printf (tty ? "\r\033[K  installing" : "  installing\n") } \
		{ fflush() } END { if (tty) printf "\r\033[K"; exit failed }' >&2
	@echo "setup 3/4: the libraries of the web page, and the tools that check it" >&2
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm ci --prefix $(PAGE) --ignore-scripts --loglevel=error >&2
	@echo "setup 4/4: relearn itself" >&2
	@PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $(STAMP)
