# Targets for a machine that has only Python 3.11+, make and a package index. `make help` lists them.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALL_OPTIONS ?=
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt $(INSTALL_OPTIONS)

.PHONY: help demo test test-slow test-random stories release-check lint explorer-bundle house coverage reproduce bench bench-maps bench-large bench-distributed clean
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(VENV)/.package ## install, then draw the paper's first map into runs/digits
	$(BIN)/drlim reproduce digits

reproduce: $(VENV)/.paper ## run every experiment of the paper into runs, with one page that shows them
	$(BIN)/drlim reproduce all

bench: $(VENV)/.bench ## measure what docs/performance.md promises, in about twenty minutes, into runs/benchmarks.json
	$(BIN)/python -m benchmarks

bench-maps: $(VENV)/.peers ## map ordinary data with this library and its peers, into runs/maps.md and maps.png
	$(BIN)/python -m benchmarks.maps

bench-large: $(VENV)/.peers ## map 1,000,000 rows on disk and sparse counts beside the peers, in hours, into runs/large.json
	$(BIN)/python -m benchmarks.large

bench-distributed: $(VENV)/.bench ## measure one process beside two, with the curve for more, in six minutes, into runs/distributed.json
	$(BIN)/python -m benchmarks distributed --device cpu --out runs/distributed.json

test: $(VENV)/.test ## install what the tests need, and run them all, in two processes
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

test-slow: $(VENV)/.test ## the tests that are long or large, which `make test` leaves out
	$(BIN)/python -m pytest -m slow

release-check: $(VENV)/.release ## build the release twice, compare, check and try it in an empty environment
	$(BIN)/python tools/release_check.py

stories: ## tell the stories of seven newcomers from a fresh virtual environment, each with its time
	rm -rf .venv-stories
	$(PYTHON) -m venv .venv-stories
	.venv-stories/bin/python -m pip install --quiet --constraint constraints.txt ".[viz,onnx]" "umap-learn>=0.5.7"
	.venv-stories/bin/python -m tests.stories

test-random: $(VENV)/.test ## the tests in random order, by three seeds
	for seed in 1 2 3; do TEST_SEED=$$seed $(BIN)/python -m pytest -p tools.random_order || exit 1; done

lint: $(VENV)/.lint ## format, lint, types and import layers
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

.PHONY: docs docs-check docs-pictures docs-screenshots
docs: $(VENV)/.docs ## build the site into docs/_build/html in about two minutes, with the gallery run and warnings as errors
	OMP_NUM_THREADS=1 $(BIN)/python -m sphinx -b html --jobs 2 --fail-on-warning --quiet docs docs/_build/html

docs-check: $(VENV)/.docs ## build the site without running its gallery: links, names and references, warnings as errors
	DRLIM_DOCS_GALLERY=False $(BIN)/python -m sphinx -b html --fail-on-warning --quiet docs docs/_build/check

docs-pictures: $(VENV)/.docs ## draw the pictures of the parameter guide and of the paper, in about ten minutes
	OMP_NUM_THREADS=1 $(BIN)/python -m tools.draw_parameters
	OMP_NUM_THREADS=1 $(BIN)/python -m tools.draw_paper

docs-screenshots: $(VENV)/.docs $(VENV)/.test ## pages of the site in a real browser, light and dark, narrow and wide, into runs/site
	$(BIN)/python -m tools.draw_site

explorer-bundle: ## build the script of the page to explore a map again, after a change in tools/explorer/src; needs node
	cd tools/explorer && npm ci --silent && npm run --silent build

house: ## measure the structure of the package beside its bounds; needs Python alone
	@$(PYTHON) tools/house.py

coverage: $(VENV)/.test ## the tests, with the lines and branches they miss
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage report --show-missing --skip-covered

clean: ## remove the virtual environment, the runs and the site
	rm -rf $(VENV) runs docs/_build docs/gallery docs/api/backreferences docs/api/generated docs/api/reference

$(VENV)/.package: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "drlim needs Python 3.11 or newer; set PYTHON=...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(INSTALL) "pip>=25.1"
	$(INSTALL) --editable ".[viz]"
	@touch $@

$(VENV)/.paper: $(VENV)/.package
	$(INSTALL) --editable ".[viz,topology,fast]"
	@touch $@

$(VENV)/.bench: $(VENV)/.package
	$(INSTALL) --editable ".[viz,fast]"
	@touch $@

$(VENV)/.peers: $(VENV)/.bench
	$(INSTALL) "umap-learn>=0.5.7" "openTSNE>=1.0.2" "pacmap>=0.8"
	@touch $@

$(VENV)/.test: $(VENV)/.package
	$(INSTALL) --group test
	@touch $@

$(VENV)/.docs: $(VENV)/.package
	$(INSTALL) --group docs
	@touch $@

$(VENV)/.release: $(VENV)/.package
	$(INSTALL) --group release
	@touch $@

$(VENV)/.lint: $(VENV)/.package
	$(INSTALL) --group lint
	@touch $@
