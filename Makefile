# Every command of this project; CI calls the same targets. Works with GNU make 3.81, which macOS ships.

VENV       := .venv
PYTHON     := $(VENV)/bin/python
UV_VERSION := $(shell sed -n 's/^uv==\([^ ]*\).*/\1/p' requirements.txt)
STATE      := $(if $(ERP_FEEDS_HOME),$(ERP_FEEDS_HOME),$(CURDIR)/.erp-feeds)
DAYS       ?= 31
ONCE       ?=
CMD        ?= version
WORKERS    ?= 2
RECORDS    ?= 200000
MEGABYTES  ?= 500
MERCHANTS  ?= 1000
SERVERS    ?= 50
INPUTS     ?= 100000
PYTEST     ?=

# pytest and docker-compose.yaml set the same path: include/ holds the package, dags/ and plugins/ import it.
export PYTHONPATH := $(CURDIR)/include
# Airflow must never find or make a configuration in the home folder of whoever runs a check.
export AIRFLOW_HOME := $(STATE)/airflow
unexport MAKEFLAGS

.DEFAULT_GOAL := help
.PHONY: help setup run stop status airflow clean distclean test test-unit test-servers check bench bench-reading bench-download bench-sensing fuzz format docs lock screenshots

help: ## show this text
	@echo "usage: make TARGET"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do \
	    printf '  %-15s %s\n' "$$name" "$$text"; done

setup: $(VENV)/.installed ## make .venv with everything pinned (the other targets do it when needed)

$(VENV)/.installed: requirements.txt constraints.txt Makefile
	@python=; for name in python3 python3.13 python3.12 python3.11; do \
	    if "$$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then \
	        python=$$name; break; fi; done; \
	if [ -z "$$python" ]; then \
	    echo "error: Python 3.11, 3.12 or 3.13 is needed and none is on the PATH (python3, python3.11 … python3.13)" >&2; \
	    exit 1; fi; \
	began=$$(date +%s); \
	echo "setup: installing into $(VENV) with $$($$python --version) …"; \
	[ -x $(PYTHON) ] && $(PYTHON) -c '' 2>/dev/null || { rm -rf $(VENV) && "$$python" -m venv $(VENV); } || exit 1; \
	$(PYTHON) -m pip install --quiet --disable-pip-version-check 'uv==$(UV_VERSION)' || exit 1; \
	VIRTUAL_ENV='$(CURDIR)/$(VENV)' $(VENV)/bin/uv pip install --quiet --compile-bytecode \
	    -r requirements.txt -c constraints.txt || exit 1; \
	site=$$($(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("purelib"))'); \
	echo '$(CURDIR)/include' > "$$site/erp_feeds.pth"; \
	touch $@; \
	echo "setup: done in $$(( $$(date +%s) - began )) s"

run: setup ## run the whole line on real data: PostgreSQL, FTPS, Airflow (DAYS=31; ONCE=1 stops after the summary)
	@exec $(PYTHON) -m erp_feeds.demo run --days $(DAYS) $(if $(ONCE),--once)

stop: setup ## stop what `make run` started
	@$(PYTHON) -m erp_feeds.demo stop

status: setup ## show what the store holds of each merchant
	@$(PYTHON) -m erp_feeds status

airflow: setup ## run airflow in the demo's environment: make airflow CMD="dags list"
	@[ -f '$(STATE)/env.sh' ] || { echo "error: no demo in $(STATE) yet: make run" >&2; exit 1; }
	@. '$(STATE)/env.sh' && airflow $(CMD)

test: setup ## run every test that needs nothing but this folder
	@$(PYTHON) -m pytest -n $(WORKERS) $(PYTEST)

test-unit: setup ## run the unit tests: no network, no database
	@$(PYTHON) -m pytest tests/unit -n $(WORKERS) $(PYTEST)

test-servers: setup ## run the FTPS client against vsftpd, ProFTPD, Pure-FTPd and pyftpdlib, unpacked from Debian
	@$(PYTHON) -m pytest tests/servers --downloads '$(STATE)/servers' $(PYTEST)

check: setup ## lint, formatting, types, layers, merchant files, generated documents, rules
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(PYTHON) -m mypy
	@$(VENV)/bin/lint-imports
	@$(PYTHON) -m erp_feeds check
	@$(PYTHON) -m erp_feeds docs --check
	@$(PYTHON) docs/check_rules.py

bench: bench-reading bench-download bench-sensing ## measure CPU and memory beside a floor and peers

bench-reading: setup ## measure reading and loading (RECORDS=200000)
	@$(PYTHON) benchmarks/reading.py --records $(RECORDS)

bench-download: setup ## measure fetching a big file over FTPS beside curl (MEGABYTES=500)
	@$(PYTHON) benchmarks/downloading.py --megabytes $(MEGABYTES)

bench-sensing: setup ## measure a triggerer that watches many inboxes (MERCHANTS=1000 SERVERS=50)
	@$(PYTHON) benchmarks/sensing.py --merchants $(MERCHANTS) --servers $(SERVERS)

fuzz: setup ## read hostile zips and XML under limits of time and memory (INPUTS=100000)
	@$(PYTHON) benchmarks/fuzzing.py --inputs $(INPUTS) --failures '$(STATE)/fuzzing' --workers $(WORKERS)

format: setup ## format the code and mend what lint can mend
	@$(VENV)/bin/ruff check --fix --quiet . ; $(VENV)/bin/ruff format .

docs: setup ## write the generated documents: interfaces, XSD, schema of merchant files
	@$(PYTHON) -m erp_feeds docs

screenshots: setup ## photograph the running demo for the README (needs Chromium)
	@$(PYTHON) docs/screenshots.py

lock: ## resolve requirements.txt anew into constraints.txt, for every supported Python and system
	@$(VENV)/bin/uv pip compile requirements.txt --universal --python-version 3.11 --upgrade \
	    --no-header --no-annotate --no-emit-index-url --no-emit-find-links --quiet --output-file constraints.txt

clean: ## stop the demo and remove its data
	@if [ -x $(PYTHON) ] && [ -d '$(STATE)' ]; then $(PYTHON) -m erp_feeds.demo stop; fi
	@rm -rf '$(STATE)' .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

distclean: clean ## also remove .venv
	@rm -rf $(VENV)
