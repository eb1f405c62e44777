#!/usr/bin/env bash
# Installs the project, as it stands in this folder, into the active environment. Snakemake runs it in the project's folder.
set -euo pipefail
python -m pip install --no-input --quiet -c constraints.txt -c constraints-cuda.txt -e '.[download,train,captions,demo]'
