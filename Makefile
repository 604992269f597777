# Two words are enough: `make run` and `make test`. Both install what is missing first (scripts/setup).
PYTHON = .venv/bin/python

.PHONY: run test check bench docs setup

run: ## Open the window; ARGS="transcribe talk.mp3" runs a command instead
	@scripts/setup
	@$(PYTHON) -m dictation $(ARGS)

test: ## Run all tests; ARGS="tests/core -k segmenter" narrows them
	@scripts/setup --dev
	$(PYTHON) -m pytest $(ARGS)

check: ## Lint, format and types
	@scripts/setup --dev
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check
	$(PYTHON) -m mypy

bench: ## Print the table of docs/benchmarks.md
	@scripts/setup --dev
	$(PYTHON) scripts/bench $(ARGS)

docs: ## Write the settings reference
	@scripts/setup
	$(PYTHON) scripts/settings_docs

setup: ## Install what is missing, tests included
	@scripts/setup --dev
