"""Jobs from the table of files that Snakemake prints, and the rules that the plan must know."""

import re

import pytest
from plan_examples import ROOT, summary_of

from ligature.errors import LigatureError
from ligature.planning import COSTS, read_jobs

PATTERNS = {rule: cost.pattern for rule, cost in COSTS.items()}
FILES = {
    "world": "world/world.json",
    "encoder": "encoders/vit/config.json",
    "embed": "embeddings/pool/pooled/minilm/laion/part-00003/manifest.json",
    "compare": "pairs/similarity.csv",
    "probe": "pairs/probes/vit--minilm.json",
    "select": "pairs/chosen.json",
    "train": "train/projector.safetensors",
    "vary": "sweep/learning_rate~0.1/seed~1/results.csv",
    "sweep": "sweep/results.csv",
    "evaluate": "evaluation/results.csv",
    "segment": "segmentation/results.csv",
    "export": "model/README.md",
    "match_experiment": "matching/within/results.csv",
    "matching": "matching/results.csv",
    "pretrain": "pretraining/sharing~all/separation~both/seed-1/model/config.json",
    "gauge": "pretraining/clip/seed-0/results.csv",
    "pretraining": "pretraining/results.csv",
    "language_model": "captioning/languages/storyteller/model/config.json",
    "connect": "captioning/runs/align/pairs-all/seed-1/model/config.json",
    "appraise": "captioning/runs/align/pairs-48/seed-0/results.csv",
    "captioning": "captioning/results.csv",
    "unpack": "data/photos@v1/unpacked.json",
    "fetch": "sources/laion/part-00001",
    "pool": "pool/laion/part-00001.parquet",
    "dedupe": "pool/duplicates.parquet",
    "prototypes": "curation/prototypes.safetensors",
    "score": "curation/top_k/level-0/state-00001.safetensors",
    "merge": "curation/top_k/level-2/state-00001.safetensors",
    "curate": "curation/selected.parquet",
    "download": "download/collected/chunk-00001/report.json",
    "assemble": "mixes/kept.parquet",
    "ablate": "ablation/mix/results.csv",
    "ablation": "ablation/results.csv",
    "report": "report/index.html",
}


def rules_of_the_workflow() -> set[str]:
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "workflow/rules").glob("*.smk")]
    return {name for text in texts for name in re.findall(r"^(?:rule|checkpoint) (\w+):", text, re.MULTILINE)}


def test_every_rule_of_the_workflow_has_a_cost_and_no_other():
    assert rules_of_the_workflow() == set(COSTS), "declare what a job of the rule costs, in ligature.planning.costs"
    assert set(FILES) == set(COSTS)


@pytest.mark.parametrize("rule", FILES)
def test_a_file_of_every_rule_is_one_job(rule):
    (job,) = read_jobs(summary_of((FILES[rule], rule)), PATTERNS)
    assert job.rule == rule


def test_wildcards_are_read_from_the_path():
    (job,) = read_jobs(summary_of((FILES["embed"], "embed")), PATTERNS)
    assert job.wildcards == {
        "group": "pool",
        "view": "pooled",
        "encoder": "minilm",
        "dataset": "laion",
        "part": "00003",
    }
    (job,) = read_jobs(summary_of((FILES["vary"], "vary")), PATTERNS)
    assert job["run"] == "learning_rate~0.1/seed~1"


def test_a_job_with_several_files_counts_once():
    probes = [(f"pairs/probes/vit--{text}.json", "probe") for text in ("minilm", "bag-of-words")]
    scores = [(f"curation/top_k/level-0/state-00000.{end}", "score") for end in ("safetensors", "dropped.npy", "json")]
    assert [job.rule for job in read_jobs(summary_of(*probes, *scores), PATTERNS)] == ["probe", "score"]


def test_every_file_of_an_unknown_rule_is_a_job():
    jobs = read_jobs(summary_of(("a.txt", "brew"), ("b.txt", "brew")), PATTERNS)
    assert [job.rule for job in jobs] == ["brew", "brew"]


@pytest.mark.parametrize("printed", ["", "Nothing here.\n", "output_file\tdate\trule\n"])
def test_no_table_is_one_line(printed):
    with pytest.raises(LigatureError, match="gave no table of jobs"):
        read_jobs(printed, PATTERNS)
