import pytest
from captioning_values import CAPTIONING
from pydantic import ValidationError
from study_values import STUDY, changed

from ligature.params.captioning import (
    OF_KIND,
    CaptioningParams,
    ConnectorParams,
    GenerationParams,
    LanguageParams,
    LanguageRecipe,
    StageParams,
)
from ligature.params.captioning_checks import captioning_recipe, captioning_runs, stage_sets
from ligature.params.study import Study


def block(**changes):
    return CaptioningParams.model_validate(changed(base=CAPTIONING, **changes))


def study(**changes):
    values = STUDY | {"captioning": changed(base=CAPTIONING, **changes)}
    values["mixes"] = {}
    return Study.model_validate(values)


def test_every_setting_of_a_connector_belongs_to_a_kind():
    known = set(ConnectorParams.model_fields) - {"kind"}
    assert set().union(*OF_KIND.values()) == known
    kinds = ConnectorParams.model_fields["kind"].annotation
    assert set(OF_KIND) == set(kinds.__args__)


@pytest.mark.parametrize("kind", OF_KIND)
def test_a_setting_of_another_kind_is_refused_by_its_name(kind):
    values = {"factor": 2, "head_init": False, "vocabulary_norm": False, "affine_norm": False, "bias": True}
    values |= {"pruned": 10, "hidden": 8, "table": 9, "queries": 5, "layers": 1, "heads": 2, "reduction": 2}
    needed = {"factor": 2} if kind == "pixel-shuffle" else {}
    for key, value in values.items():
        settings = {"kind": kind} | needed | {key: value}
        if key in OF_KIND[kind]:
            assert getattr(ConnectorParams(**settings), key) == value
        else:
            with pytest.raises(ValidationError, match=f"{key} has no effect on a connector of kind '{kind}'"):
                ConnectorParams(**settings)


def test_a_setting_of_another_kind_at_its_default_says_nothing_and_is_let_be():
    assert ConnectorParams(kind="mlp", queries=64).queries == 64


def test_pixel_shuffle_without_a_factor_is_refused():
    with pytest.raises(ValidationError, match="needs a factor of 2 or more"):
        ConnectorParams(kind="pixel-shuffle")


@pytest.mark.parametrize("heads", [3, 16])
def test_the_heads_of_a_language_model_divide_its_width_evenly(heads):
    with pytest.raises(ValidationError, match=f"heads {heads} must divide width 16"):
        LanguageRecipe(datasets=["captions"], width=16, heads=heads)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "exactly one of source and recipe"),
        ({"source": "a/b", "recipe": {"datasets": ["captions"]}}, "exactly one of source and recipe"),
        ({"recipe": {"datasets": ["captions"]}, "revision": "0a"}, "revision pins a source"),
    ],
)
def test_a_language_model_has_a_source_or_a_recipe(values, said):
    with pytest.raises(ValidationError, match=said):
        LanguageParams.model_validate(values)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"learning_rates": {"connector": 0.1}}, "exactly one of datasets and mix"),
        ({"datasets": ["a"], "mix": "b", "learning_rates": {"connector": 0.1}}, "exactly one of datasets and mix"),
        ({"datasets": ["a", "a"], "learning_rates": {"connector": 0.1}}, "names one twice"),
        ({"datasets": ["a"], "learning_rates": {}}, "at least 1 item"),
        ({"datasets": ["a"], "learning_rates": {"projector": 0.1}}, "'vision', 'connector' or 'language'"),
        ({"datasets": ["a"], "learning_rates": {"connector": 0}}, "greater than 0"),
    ],
)
def test_a_stage_names_its_data_and_what_it_trains(values, said):
    with pytest.raises(ValidationError, match=said):
        StageParams.model_validate(values)


@pytest.mark.parametrize(("key", "value"), [("beams", 2), ("temperature", 0.5), ("top_p", 0.9)])
def test_a_setting_of_generation_that_has_no_effect_is_refused(key, value):
    with pytest.raises(ValidationError, match=f"{key} has no effect with method 'greedy'"):
        GenerationParams(**{key: value})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"recipes__brief__language": "nobody"}, "unknown language model 'nobody'; known: own, published"),
        ({"runs__align__recipe": "none"}, "runs.align.recipe: unknown recipe 'none'; known: brief"),
        ({"runs__blind": CAPTIONING["runs"]["mlp"]}, "runs.blind: the name is that of a control"),
        ({"seeds": [1, 1]}, "seeds: .* names one twice"),
        ({"pairs": [None, None]}, "pairs: .* names one twice"),
        ({"noise": [0.5, 1.0]}, "noise: the levels need a 0"),
        ({"shots": [2]}, "shots: the numbers of examples need a 0"),
        ({"recipes__brief__lora": {"rank": 4}}, "lora: no stage trains the language part"),
    ],
)
def test_what_does_not_fit_together_is_named(changes, said):
    with pytest.raises(ValidationError, match=said):
        block(**changes)


def test_every_run_size_and_seed_is_a_training():
    assert captioning_runs(study()) == [
        *(("align", 10, 0), ("align", 10, 1), ("align", None, 0), ("align", None, 1)),
        *(("mlp", 10, 0), ("mlp", 10, 1)),
    ]
    assert captioning_runs(Study.model_validate(STUDY)) == []


def test_a_run_finds_its_recipe_and_a_stage_its_data():
    found = study()
    recipe = captioning_recipe(found, "mlp")
    assert recipe.vision == "vit"
    assert stage_sets(found, recipe.stages[0]) == (["captions"], "proportional")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"validation": "nowhere"}, "captioning.validation: unknown dataset 'nowhere'"),
        ({"evaluation": ["labels"]}, "captioning.evaluation: dataset 'labels' has classes, not captions"),
        ({"languages__own__recipe__datasets": ["labels"]}, "captioning.languages.own.recipe.datasets: .* not captions"),
        ({"recipes__brief__stages__0__datasets": ["x"]}, "captioning.recipes.brief.stages.0.datasets: unknown"),
        (
            {"recipes__brief__vision": "words"},
            "captioning.recipes.brief.vision: unknown encoder 'words'; known: pixels",
        ),
        (
            {"recipes__brief__stages__0": {"mix": "both", "learning_rates": {"connector": 0.1}}},
            "stages.0.mix: unknown mix 'both'; known: none",
        ),
    ],
)
def test_what_the_study_does_not_have_is_named(changes, said):
    with pytest.raises(ValidationError, match=said):
        study(**changes)
