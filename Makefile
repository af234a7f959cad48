# Two commands matter: `make demo` makes maps from the bundled sample, `make test` runs the tests.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup demo test lint docs bench

setup: ## make .venv with the package and its development group; a second call is instant
	@$(PYTHON) scripts/bootstrap.py

demo: setup ## make maps of the bundled sample with the bundled weights
	$(BIN)/earthloom demo

test: setup ## run every test
	$(BIN)/pytest -n 2

lint: setup ## style, formatting, types, import floors
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict src
	$(BIN)/lint-imports

docs: setup ## the documentation site in site/; a broken link or a page outside the menu fails
	$(BIN)/python scripts/build_docs.py

bench: setup ## measure what is worth measuring, side by side with a reference; about half an hour, on a quiet machine
	@$(BIN)/python -m uv pip install --quiet --python $(BIN)/python --constraints .venv/constraints.txt --group bench
	@set -e; for name in weave memory precision tiled cascade windows; do $(BIN)/python benchmarks/$$name.py; done
	@$(BIN)/earthloom evaluate seams src/earthloom/samples/banepa_z17.tif --json
