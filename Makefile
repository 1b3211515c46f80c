# Every command of this project; CI calls the same targets. Works with GNU make 3.81, which macOS ships.

VENV       := .venv
PYTHON     := $(VENV)/bin/python
UV         := VIRTUAL_ENV='$(CURDIR)/$(VENV)' $(VENV)/bin/uv
STATE      := $(if $(ERP_FEEDS_HOME),$(ERP_FEEDS_HOME),$(CURDIR)/.erp-feeds)
DAYS       ?= 31
ONCE       ?=
CMD        ?= version
WORKERS    ?= 2
SIZE       ?= full
MEGABYTES  ?= 500
MERCHANTS  ?= 1000
SHOPS      ?= 1
RECORDS    ?= 1000000
ACTIVE     ?= 50
INTERFACE  ?= erp_cache_customers
SERVERS    ?= 50
INPUTS     ?= 100000
PYTEST     ?=
AUDIT      ?=

# Airflow must never find or make a configuration in the home folder of whoever runs a check.
export AIRFLOW_HOME := $(STATE)/airflow
unexport MAKEFLAGS

.DEFAULT_GOAL := help
.PHONY: help setup run run-cluster stop stop-cluster status airflow clean distclean test test-cluster test-unit test-servers test-ui test-thorough check bench bench-download bench-pages bench-sensing bench-scale bench-slots fuzz format docs lock upgrade wheel sbom audit screenshots

help: ## show this text
	@echo "usage: make TARGET"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do \
	    printf '  %-15s %s\n' "$$name" "$$text"; done

setup: $(VENV)/.installed ## make .venv with everything locked, and this folder's package (other targets do it when needed)

ifneq ($(CURDIR),$(shell cat $(VENV)/.installed 2>/dev/null))
.PHONY: $(VENV)/.installed
endif

# The stamp holds this folder: a .venv that came from elsewhere, or was moved, would run the package of another place.
$(VENV)/.installed: requirements-dev.txt pyproject.toml Makefile
	@python=; for name in python3 python3.13 python3.12 python3.11; do \
	    if "$$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then \
	        python=$$name; break; fi; done; \
	if [ -z "$$python" ]; then \
	    echo "error: Python 3.11, 3.12 or 3.13 is needed and none is on the PATH (python3, python3.11 … python3.13)" >&2; \
	    exit 1; fi; \
	began=$$(date +%s); \
	echo "setup: installing into $(VENV) with $$($$python --version) …"; \
	[ "$$(cat $@ 2>/dev/null)" = '$(CURDIR)' ] && $(PYTHON) -c '' 2>/dev/null \
	    || { rm -rf $(VENV) && "$$python" -m venv $(VENV); } || exit 1; \
	rm -f $@; \
	sed -n '/^uv==/,/[^\\]$$/p' requirements-dev.txt > $(VENV)/uv.txt; \
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/uv.txt || exit 1; \
	$(UV) pip sync --quiet --require-hashes --compile-bytecode requirements-dev.txt || exit 1; \
	$(UV) pip install --quiet --no-deps --editable . || exit 1; \
	printf '%s\n' '$(CURDIR)' > $@; \
	echo "setup: done in $$(( $$(date +%s) - began )) s"

run: setup ## run the whole pipeline on real data: PostgreSQL, FTPS, Airflow (DAYS=31; ONCE=1 stops after the summary)
	@exec $(PYTHON) -m erp_feeds.demo run --days $(DAYS) $(if $(ONCE),--once)

run-cluster: $(VENV)/cluster/.installed ## the same as on many machines: Celery, two workers, two schedulers, Redis, S3 (stop-cluster ends it)
	@exec env ERP_FEEDS_HOME='$(STATE)/cluster' AIRFLOW_HOME='$(STATE)/cluster/airflow' $(VENV)/cluster/bin/python \
	    -m erp_feeds.demo run --cluster --days $(DAYS) $(if $(ONCE),--once)

stop-cluster: setup ## stop what `make run-cluster` started
	@ERP_FEEDS_HOME='$(STATE)/cluster' $(PYTHON) -m erp_feeds.demo stop

stop: setup ## stop what `make run` started
	@$(PYTHON) -m erp_feeds.demo stop

status: setup ## show what the store holds of each merchant
	@$(PYTHON) -m erp_feeds.demo status

airflow: setup ## run airflow in the demo's environment: make airflow CMD="dags list"
	@[ -f '$(STATE)/env.sh' ] || { echo "error: no demo in $(STATE) yet: make run" >&2; exit 1; }
	@. '$(STATE)/env.sh' && airflow $(CMD)

test: setup ## run every test that needs nothing but this folder
	@$(PYTHON) -m pytest -n $(WORKERS) $(PYTEST)

test-cluster: $(VENV)/cluster/.installed ## kill each part of that cluster in turn, a worker within a load too: nothing is lost or doubled
	@$(VENV)/cluster/bin/python -m pytest tests/cluster -n 0 --log-cli-level=INFO $(PYTEST)

test-unit: setup ## run the unit tests: no network, no database
	@$(PYTHON) -m pytest tests/unit -n $(WORKERS) $(PYTEST)

test-servers: setup ## run the FTPS client against vsftpd, ProFTPD, Pure-FTPd and our own, unpacked from Debian
	@$(PYTHON) -m pytest tests/servers --downloads '$(STATE)/servers' $(PYTEST)

test-thorough: setup ## run property tests with hundreds of examples, and 30 kills of loads of 100,000 lines (an hour)
	@HYPOTHESIS_PROFILE=thorough $(PYTHON) -m pytest -n $(WORKERS) tests/integration/test_crash.py \
	    tests/integration/test_any_delivery.py tests/integration/store/test_identity_properties.py \
	    tests/integration/store/test_purchases_properties.py $(PYTEST)

# Environments of their own: what these bring would make every start of Airflow slower.
$(VENV)/cluster/.installed $(VENV)/bench/.installed: $(VENV)/%/.installed: requirements-%.txt $(VENV)/.installed
	@$(PYTHON) -m venv --without-pip $(VENV)/$*
	@VIRTUAL_ENV='$(CURDIR)/$(VENV)/$*' $(VENV)/bin/uv pip sync --quiet --require-hashes --compile-bytecode requirements-$*.txt
	@VIRTUAL_ENV='$(CURDIR)/$(VENV)/$*' $(VENV)/bin/uv pip install --quiet --no-deps --editable .
	@touch $@

test-ui: setup ## look at the pages in Chromium, inside Airflow, as everybody who may see them (needs Chromium)
	@$(PYTHON) -m pytest tests/ui $(PYTEST)

check: setup ## lint, formatting, types, layers, merchant files, generated documents, rules
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(PYTHON) -m mypy
	@$(VENV)/bin/lint-imports
	@$(PYTHON) -m erp_feeds check
	@$(PYTHON) -m erp_feeds docs --check
	@$(PYTHON) docs/check_rules.py

bench: $(VENV)/bench/.installed ## measure the pipeline from zips to rows beside a floor and peers (SIZE=small: two minutes; SIZE=huge: 10 million records)
	@$(VENV)/bench/bin/python benchmarks/pipeline.py --size $(SIZE)

bench-download: setup ## measure fetching a big file over FTPS beside curl (MEGABYTES=500)
	@$(PYTHON) benchmarks/downloading.py --megabytes $(MEGABYTES)

bench-pages: setup ## measure the CPU of each page on a store with 100,000 files and 1,000,000 profiles
	@$(PYTHON) benchmarks/pages.py

bench-sensing: setup ## measure a triggerer that watches many inboxes (MERCHANTS=1000 SERVERS=50)
	@$(PYTHON) benchmarks/sensing.py --merchants $(MERCHANTS) --servers $(SERVERS)

bench-scale: setup ## measure a whole Airflow with many merchants: idle, and from upload to rows (MERCHANTS=1000 ACTIVE=50 SERVERS=50)
	@$(PYTHON) benchmarks/scale.py --merchants $(MERCHANTS) --active $(ACTIVE) --servers $(SERVERS)

bench-slots: setup ## measure six large files with one executor slot and with two (INTERFACE=erp_cache_customers SHOPS=1 RECORDS=1000000)
	@$(PYTHON) benchmarks/slots.py --interface $(INTERFACE) --merchants $(SHOPS) --records $(RECORDS)

fuzz: setup ## read hostile zips and XML under limits of time and memory (INPUTS=100000)
	@$(PYTHON) benchmarks/fuzzing.py --inputs $(INPUTS) --failures '$(STATE)/fuzzing' --workers $(WORKERS)

format: setup ## format the code and fix what lint can fix
	@$(VENV)/bin/ruff check --fix --quiet . ; $(VENV)/bin/ruff format .

docs: setup ## write the generated documents: interfaces, XSD, schema of merchant files, tables
	@$(PYTHON) -m erp_feeds docs
	@$(PYTHON) docs/tables.py

screenshots: setup ## photograph the running demo for the README (needs Chromium)
	@$(PYTHON) docs/screenshots.py

LOCK := $(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
    --no-emit-index-url --no-emit-find-links --quiet

lock: setup ## write what pyproject.toml asks for into requirements*.txt, with hashes; what is locked keeps its version
	@$(LOCK) $(UPGRADE) pyproject.toml --extra celery --extra s3 --extra ftps-server --extra openlineage --output-file requirements.txt
	@$(LOCK) $(UPGRADE) pyproject.toml --extra ftps-server --extra openlineage --group demo --group dev --constraint requirements.txt --output-file requirements-dev.txt
	@$(LOCK) $(UPGRADE) pyproject.toml --extra celery --extra s3 --extra ftps-server --extra openlineage --group demo --group dev --group cluster \
	    --constraint requirements.txt --constraint requirements-dev.txt --output-file requirements-cluster.txt
	@$(LOCK) $(UPGRADE) pyproject.toml --extra ftps-server --extra openlineage --group demo --group dev --group bench \
	    --constraint requirements.txt --constraint requirements-dev.txt --output-file requirements-bench.txt
	@$(LOCK) $(UPGRADE) --group audit --output-file requirements-audit.txt

upgrade: UPGRADE := --upgrade
upgrade: lock ## lock the newest versions that pyproject.toml allows

wheel: setup ## build the package that a deployment installs into dist/
	@$(UV) build --quiet --wheel --out-dir dist

# An environment of its own: these packages would make every start of Airflow seconds slower.
$(VENV)/audit/.installed: requirements-audit.txt $(VENV)/.installed
	@$(PYTHON) -m venv --without-pip $(VENV)/audit
	@VIRTUAL_ENV='$(CURDIR)/$(VENV)/audit' $(VENV)/bin/uv pip sync --quiet --require-hashes requirements-audit.txt
	@touch $@

# Not validated: that takes 13 of 14 CPU seconds. Renamed when whole: who is stopped half-way leaves no empty file.
sbom: $(VENV)/audit/.installed ## write the bill of materials of a deployment (CycloneDX) to dist/sbom.json
	@mkdir -p dist
	@PYTHONWARNINGS=ignore $(VENV)/audit/bin/cyclonedx-py requirements --no-validate --pyproject pyproject.toml \
	    --output-reproducible --output-file dist/.sbom.json requirements.txt
	@mv dist/.sbom.json dist/sbom.json

# pip-audit ends alike where it finds advisories and where it reaches nobody to ask; it writes the file only after asking.
audit: $(VENV)/audit/.installed ## ask the public advisories about every locked version (AUDIT="--vulnerability-service osv" asks another)
	@mkdir -p dist; for file in requirements.txt requirements-dev.txt; do \
	    rm -f dist/audit.txt; \
	    $(VENV)/audit/bin/pip-audit --strict --require-hashes --disable-pip --progress-spinner off --output dist/audit.txt \
	        $(AUDIT) -r $$file && continue; \
	    if [ -s dist/audit.txt ]; then cat dist/audit.txt >&2; echo "error: $$file: these packages have advisories" >&2; \
	    else echo "error: $$file: NOT audited, no source of advisories knows all its packages (see above)" >&2; fi; \
	    exit 1; done

clean: ## stop the demo and remove its data
	@if [ -x $(PYTHON) ] && [ -d '$(STATE)' ]; then $(PYTHON) -m erp_feeds.demo stop; fi
	@if [ -x $(PYTHON) ] && [ -d '$(STATE)/cluster' ]; then ERP_FEEDS_HOME='$(STATE)/cluster' $(PYTHON) -m erp_feeds.demo stop; fi
	@rm -rf '$(STATE)' .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis dist

distclean: clean ## also remove .venv
	@rm -rf $(VENV)
