import pytest
from study_values import STUDY, changed

from ligature.errors import ParamsError
from ligature.params import parse_study
from ligature.params.datasets import kind_of

SWEEP = {
    "vision": "vit",
    "text": "bert",
    "datasets": ["captions"],
    "retrieval": ["sentences"],
    "seeds": [0],
    "steps": 5,
    "batch_size": 4,
    "embed_dim": 16,
    "runs": {"gated": {"vision_local": "gated"}, "local": {"loss": {"negatives": "local", "group": 2}}},
}
SEGMENTATION = {"datasets": ["masks"], "image_size": 64, "window": 32, "stride": 16}
MASKS = {"format": "voc", "root": "voc"}
TRANSLATIONS = {"format": "parallel", "file": "captions_{language}.txt", "names": "names.txt", "languages": ["de"]}


def wrong(changes: dict) -> str:
    """Returns the message for a study with these changes."""
    with pytest.raises(ParamsError) as caught:
        parse_study(changed(**changes), "study.yaml")
    return str(caught.value)


def test_a_sweep_and_a_segmentation_are_taken():
    study = parse_study(changed(datasets__masks=MASKS, sweep=SWEEP, evaluate__segmentation=SEGMENTATION), "study.yaml")
    assert study.sweep.runs["gated"].vision_cls == "token"
    assert study.sweep.runs["local"].loss.group == 2
    assert study.evaluate.segmentation.threshold == 0.4


def test_every_format_has_one_kind():
    study = parse_study(changed(datasets__masks=MASKS), "study.yaml")
    kinds = {name: kind_of(dataset) for name, dataset in study.datasets.items()}
    assert kinds == {"captions": "captions", "sentences": "captions", "labels": "classes", "masks": "masks"}


def test_a_benchmark_is_named_by_its_format():
    study = parse_study(changed(datasets__dtd={"format": "dtd", "root": "dtd", "split": "test"}), "study.yaml")
    assert kind_of(study.datasets["dtd"]) == "classes"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train__loss": {"negatives": "local"}}, "negatives 'local' takes a group, 'global' takes none"),
        ({"train__loss": {"group": 2}}, "negatives 'local' takes a group, 'global' takes none"),
        ({"train__loss": {"negatives": "local", "group": 3}}, "loss.group 3 does not divide batch_size 4"),
        ({"train__loss": {"kind": "triplet"}}, "train.loss.kind: got 'triplet'"),
        ({"train__mode": "patches"}, "train.mode: got 'patches'"),
        ({"sweep": SWEEP | {"vision": "bert"}}, "sweep.vision: unknown encoder 'bert'; known: pixels, vit"),
        ({"sweep": SWEEP | {"datasets": ["labels"]}}, "sweep.datasets: dataset 'labels' has classes, not captions"),
        ({"sweep": SWEEP | {"runs": {}}}, "sweep.runs: got {}"),
        ({"sweep": SWEEP | {"batch_size": 5}}, "sweep: runs.local.loss.group 2 does not divide batch_size 5"),
        (
            {"evaluate__segmentation": SEGMENTATION | {"datasets": ["labels"]}},
            "evaluate.segmentation: dataset 'labels' has classes, not masks",
        ),
        (
            {"evaluate__segmentation": SEGMENTATION | {"stride": 40}},
            "image_size 64, window 32, stride 40: must not grow in this order",
        ),
        (
            {"evaluate__baselines": [{"name": "clip", "vision": "clip", "text": "bert"}]},
            "evaluate.baselines.clip.vision: unknown encoder 'clip'",
        ),
        ({"datasets__labels__prompts": {"a": {}}}, "give exactly one of templates, builtin and sentences"),
        ({"datasets__labels__prompts": {"a": {"templates": ["x"]}}}, "template 'x' must contain {} exactly once"),
        (
            {"datasets__labels__prompts": {"a": {"builtin": "single", "language": "German"}}},
            "language: got 'German'",
        ),
        (
            {"datasets__captions__translations": TRANSLATIONS | {"file": "captions.txt"}},
            "the parallel format takes names and a file with {language}; jsonl takes neither",
        ),
        ({"datasets__captions__descriptions": {"file": "long.jsonl", "words": []}}, "words: got []"),
        ({"embed__regions": 0}, "embed.regions: got 0"),
    ],
)
def test_a_mistake_in_training_or_evaluation_is_one_line(changes, message):
    line = wrong(changes)
    assert message in line
    assert len(line.splitlines()) == 1


def test_small_studies_stay_small():
    assert parse_study(changed(), "study.yaml").sweep is STUDY["sweep"]
