# Ligature's front door. `make help` lists what there is.
PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.installed
RUN := PATH="$(CURDIR)/$(VENV)/bin:$$PATH" PYTHONUNBUFFERED=1 DVC_NO_ANALYTICS=1
CHECKED := src tests benchmarks docs workflow/lint.py
CORES ?= 2

.PHONY: help setup demo retry-failed pull photos study-gap study-connectors test test-slow lint faults format bench docs rulegraph clean

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

setup: $(STAMP)  ## Create .venv with everything for development

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[workflow,share,download,train,captions,demo,docs,dev]'
	touch $(STAMP)

demo: $(STAMP)  ## Run the mini study and print its results
	$(RUN) snakemake --cores $(CORES)
	@$(RUN) ligature show

retry-failed: $(STAMP)  ## Download again what failed for a time only, then bring the study up to date
	$(RUN) ligature retry-failed
	$(RUN) snakemake --cores $(CORES)

pull: $(STAMP)  ## Bring a colleague's results of the study, checked, so that nothing runs again
	$(RUN) ligature pull

photos: $(STAMP)  ## Run the study of real photographs in the folder named by LIGATURE_REALDATA
	@test -n "$$LIGATURE_REALDATA" || { echo "error: set LIGATURE_REALDATA to the folder of photographs"; exit 1; }
	$(RUN) snakemake --cores $(CORES) --config params=studies/photos.yaml
	@$(RUN) ligature show --params studies/photos.yaml

study-gap: $(STAMP)  ## Train CLIP, SharedCLIP and AlignCLIP from scratch, small, and print the gaps they leave
	$(RUN) snakemake --cores $(CORES) --config params=studies/gap.yaml
	@$(RUN) ligature show --params studies/gap.yaml

study-connectors: $(STAMP)  ## Train connectors into a small language model, and print how well they caption
	$(RUN) snakemake --cores $(CORES) --config params=studies/connectors.yaml
	@$(RUN) ligature show --params studies/connectors.yaml

test: $(STAMP)  ## Pass the tests
	$(RUN) OMP_NUM_THREADS=1 python -m pytest -n $(CORES)

test-slow: $(STAMP)  ## Pass the slow tests too: the workflow, kills and resumes
	$(RUN) OMP_NUM_THREADS=1 python -m pytest -m 'slow or not slow'

lint: $(STAMP)  ## Check style, formatting, the schema and the workflow
	$(RUN) ruff check $(CHECKED)
	$(RUN) ruff format --check $(CHECKED)
	$(RUN) snakefmt --check Snakefile workflow
	$(RUN) python -m ligature.cli.main schema $(VENV)/study.schema.json
	diff $(VENV)/study.schema.json workflow/schemas/study.schema.json
	$(RUN) python workflow/lint.py

format: $(STAMP)  ## Format the code and write the schema again
	$(RUN) ruff check --fix --quiet $(CHECKED)
	$(RUN) ruff format --quiet $(CHECKED)
	$(RUN) snakefmt Snakefile workflow
	$(RUN) ligature schema workflow/schemas/study.schema.json

bench: $(STAMP)  ## Time every fast path against its plain reference
	$(RUN) OMP_NUM_THREADS=1 python benchmarks/run.py

docs: $(STAMP)  ## Build the site of the documentation into build/site, links checked
	$(RUN) NO_MKDOCS_2_WARNING=1 mkdocs build --strict --quiet
	@echo build/site/index.html

faults: $(STAMP)  ## Hurt the tiny study in every way, and count what it survives
	$(RUN) OMP_NUM_THREADS=1 python -m pytest -m slow tests/faults

rulegraph: $(STAMP)  ## Draw the rule graph of the mini study again
	$(RUN) python docs/draw_rulegraph.py

clean:  ## Remove results, logs and caches, but not .venv
	rm -rf results/mini results/photos results/gap logs .snakemake .pytest_cache .ruff_cache .hypothesis benchmarks/results
