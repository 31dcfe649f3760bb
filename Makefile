# A machine with make and Python 3.11 or newer is enough; `make setup` brings the rest.
.DEFAULT_GOAL := help
SHELL := /bin/bash
BIN := .venv/bin
UV := .tools/bin/uv
export UV_PYTHON_DOWNLOADS := never

.PHONY: help setup demo serve test check bench soak fuzz docs lock clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/.stamp ## Everything that Comptoir needs, into .venv

.venv/.stamp: pyproject.toml uv.lock tools/bootstrap.sh
	@tools/bootstrap.sh
	@touch $@

demo: setup ## A shop with a year of orders to look at (ARGS="...")
	@$(BIN)/comptoir demo $(ARGS)

serve: setup ## The server, on this machine (ARGS="...")
	@$(BIN)/comptoir serve $(ARGS)

test: setup ## All tests but the long ones (ARGS="-k stock")
	@tools/chromium.sh
	@PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n auto --dist worksteal -m "not soak" $(ARGS)

check: setup ## Lint, format, types, and who imports whom
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/basedpyright
	$(BIN)/lint-imports

bench: setup ## Measure (ONLY=name for one of them)
	@$(BIN)/python -m bench $(if $(ONLY),--only $(ONLY))

soak: setup ## The long form of the fault tests
	@$(BIN)/pytest -m soak $(ARGS)

fuzz: setup ## Random requests, random papers, random lives of orders, stock and money, twenty times as long
	@COMPTOIR_EFFORT=20 $(BIN)/pytest -n auto tests/api/test_schemathesis.py tests/documents/test_documents_hostile.py $$(grep -rl run_state_machine_as_test tests --include=*.py) $(ARGS)

docs: setup ## The documentation, into site/
	@$(UV) run --frozen --all-extras --group dev --group docs mkdocs build --strict

lock: setup ## Renew uv.lock after a change to pyproject.toml
	@$(UV) lock

clean: ## Remove what can be made again; the data stays
	rm -rf .venv .tools build dist site .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +
