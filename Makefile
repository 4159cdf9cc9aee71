# The commands of the E-library harvesting pipeline. `make help` lists them.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help python-is-ours setup run test test-web test-cluster screenshots web up check lint types docs bench faults lock reprocess preview format backup restore scaffold

# The first Python that answers and is one of ours; `make PYTHON=/path/to/python …` names another.
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3 python; do \
	"$$name" -c 'import sys; sys.exit(not (3,11) <= sys.version_info[:2] <= (3,13))' >/dev/null 2>&1 && echo "$$name" && break; done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export PYTHONPATH := $(CURDIR)
export PATH := $(CURDIR)/$(BIN):$(PATH)

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | awk -F'\t' '{printf "  make %-12s %s\n", $$1, $$2}'

python-is-ours:
	@sh install.sh --check "$(PYTHON)"

$(STAMP): requirements-dev.txt install.sh | python-is-ours
	@sh install.sh "$(PYTHON)" $(VENV)

setup: $(STAMP) ## the environment, the Airflow metadata database and the catalog
	@$(BIN)/python -m commands.cli setup

run: $(STAMP) ## the whole night once over the sample feeds, through Airflow
	@$(BIN)/python -m commands.cli run

test: $(STAMP) ## the whole test suite
	@$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

test-web: $(STAMP) ## the web in Debian's Chromium
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m browser tests/web $(ARGS)

test-cluster: $(STAMP) ## [SHORT=1]: workers of CeleryExecutor that are killed, and parts that fail; SHORT in CI
	@$(BIN)/python -m pytest -n 0 -s -m "cluster$(if $(SHORT), and not slow)" tests/cluster $(ARGS)

screenshots: $(STAMP) ## the pictures of the guides in docs/images, from the pages as they are
	@ELIB_SCREENSHOTS=docs/images $(BIN)/python -m pytest -q -n0 -m browser tests/web/test_screenshots.py

web: setup ## the console and the library on 127.0.0.1:8081
	@$(BIN)/python -m commands.cli web

up: setup ## Airflow with scheduler and UI on 127.0.0.1:8080, over feeds/
	@$(BIN)/python -m commands.cli up

check: lint types docs test ## lint, types, documentation, tests

format: $(STAMP) ## put every file into the house format
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

bench: $(STAMP) ## three nights with 10^4, 10^5 … to N records (20000), table and chart in ELIB_HOME/bench; then the harvest, rules, gate, detector, matcher, the web's pages; accuracy by area
	@$(BIN)/python -m bench --up-to $(if $(N),--records $(N))
	@$(BIN)/python -m bench.transform
	@$(BIN)/python -m bench.exports
	@$(BIN)/python -m bench.harvest
	@$(BIN)/python -m bench.rules_gate
	@$(BIN)/python -m bench.langid
	@$(BIN)/python -m bench.dedup 1000000
	@$(BIN)/python -m bench.match_nights 100000
	@$(BIN)/python -m bench.match_nights 1000000
	@$(BIN)/python -m bench.match_nights 1000000 --buckets
	@$(BIN)/python -m bench.web_pages $(if $(N),--records $(N))
	@$(BIN)/python -m bench.search
	@$(BIN)/python -m bench.oai $(if $(N),--records $(N))
	@$(BIN)/python -m bench.accuracy

faults: $(STAMP) ## [SECONDS=1200]: kills, faults, hostile addresses and fuzz; prints tried, survived and failed
	@$(BIN)/python -m tests.faults $(if $(SECONDS),--seconds $(SECONDS)) $(ARGS)

reprocess: $(STAMP) ## FEED=name: normalize what was landed again, without asking the partner
	@$(BIN)/python -m commands.cli reprocess $(if $(TAKE_OVER),--take-over) -- $(FEED)

preview: $(STAMP) ## FEED=feeds/x.toml [N=100]: what the library would make of a feed; touches no catalog
	@$(BIN)/python -m commands.cli preview "$(FEED)" $(if $(N),--records $(N))

backup: $(STAMP) ## [FILE=elib.tar]: landing, and what people have decided, in one file
	@$(BIN)/python -m commands.cli backup $(if $(FILE),"$(FILE)")

restore: $(STAMP) ## FILE=elib.tar: put a backup back, make the rest again from landing, and publish
	@$(BIN)/python -m commands.cli restore "$(FILE)"

scaffold: $(STAMP) ## FORMAT=name [JSON=1] or FEED=name: the skeleton of a crosswalk or of a feed, with its tests
	@$(BIN)/python -m commands.cli scaffold $(if $(FORMAT),--format "$(FORMAT)" $(if $(JSON),--json))$(if $(FEED),--feed "$(FEED)")

lock: $(STAMP) ## resolve pyproject.toml into requirements.txt (run time), requirements-cluster.txt and requirements-dev.txt again
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --extra postgres pyproject.toml -o requirements.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --extra postgres --extra cluster pyproject.toml -c requirements.txt -o requirements-cluster.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --extra postgres --extra cluster pyproject.toml --group dev -c requirements-cluster.txt -o requirements-dev.txt

lint: $(STAMP) ## ruff, format, import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

types: $(STAMP) ## mypy --strict over every room
	@$(BIN)/mypy

docs: $(STAMP) ## the documentation as a site in var/site, with every link checked
	@$(BIN)/mkdocs build --quiet --strict --site-dir var/site && echo "Open var/site/index.html"
