"""The captioning of the paper study: the published recipes, what is ours in them, and that its parts fit together."""

import re
from pathlib import Path

import pytest

from ligature.captioning.connectors import ConnectorConfig
from ligature.captioning.vision import tile_grid
from ligature.data.remote.resources import read_sources
from ligature.params import load_study
from ligature.params.captioning_checks import captioning_recipe, captioning_runs, stage_sets
from ligature.planning import Facts, Workers, plan_study, read_tables
from ligature.planning.captioning_costs import language_size, sample_of

ROOT = Path(__file__).parents[2]
STUDY = load_study(ROOT / "studies/paper.yaml")
BLOCK = STUDY.captioning
RECIPES = BLOCK.recipes
FACTS = Facts(STUDY, "dinov2-large", "all-roberta-large", read_tables(ROOT / "workflow/resources", {}), {})
SHAPES = {"photograph": (640, 480), "square": (500, 500), "panorama": (1800, 400), "portrait": (600, 1000)}


def stages_of(recipe):
    return [
        (stage_sets(STUDY, stage)[0], dict(stage.learning_rates), stage.batch_size, stage.epochs)
        for stage in RECIPES[recipe].stages
    ]


def most_views(recipe, side=384):
    grids = [tile_grid(width, height, recipe.tiles, side) for width in range(1, 20) for height in range(1, 20)]
    return max(rows * columns for rows, columns in grids) + 1


def test_the_paper_trains_everything_then_everything_and_then_all_but_the_vision_encoder():
    captions, described, last = stages_of("published")
    whole = {"vision": 1e-5, "connector": 1e-5, "language": 1e-5}
    assert captions == (["cc12m"], whole, 512, 1)
    assert described == (["pixmo-cap", "narratives"], dict.fromkeys(whole, 5e-5), 256, 1)
    assert last == (["coco-karpathy-train"], {"connector": 5e-5, "language": 5e-5}, 256, 5)


def test_with_few_data_the_connector_is_trained_first_and_then_everything_with_a_slower_vision_encoder():
    connector, everything = stages_of("low-resource")
    assert connector == (["pixmo-cap", "narratives"], {"connector": 1e-3}, 32, 1)
    assert everything == (["coco-karpathy-train"], {"vision": 2e-6, "connector": 1e-5, "language": 1e-5}, 8, 1)


@pytest.mark.parametrize("name", ["published", "low-resource"])
def test_the_models_of_the_paper_with_visual_tokens_in_front_and_the_loss_on_the_answer(name):
    recipe = RECIPES[name]
    assert (recipe.assembly, recipe.loss, recipe.system, recipe.lora) == ("prefix", "answer", None, None)
    assert BLOCK.languages[recipe.language].source == "meta-llama/Llama-3.2-3B-Instruct"
    assert FACTS.block(recipe.vision).source == "google/siglip-so400m-patch14-384"
    assert (FACTS.side(recipe.vision) // 14) ** 2 == 729
    assert (language_size(FACTS, recipe.language).width, recipe.tiles) == (3072, 8)


def test_the_unofficial_implementation_trains_connector_and_adapters_on_one_set_after_the_other():
    rates = {"connector": 1e-4, "language": 1e-4}
    assert stages_of("repository") == [(["pixmo-cap"], rates, 32, 1), (["narratives"], rates, 32, 1)]
    for stage in RECIPES["repository"].stages:
        assert (stage.warmup_steps, stage.decay, stage.weight_decay) == (70, "linear", 0.01)
    rows = {name: STUDY.sources[name].sample.rows for name in ("pixmo-cap", "narratives")}
    assert rows == {"pixmo-cap": 100_000, "narratives": 200_000}


def test_the_adapters_and_the_chat_of_the_unofficial_implementation():
    recipe = RECIPES["repository"]
    lora = recipe.lora
    assert (lora.rank, lora.alpha, lora.rank_stabilised, lora.dropout) == (64, 64.0, True, 0.1)
    assert set(lora.targets) == {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
    assert set(lora.whole) == {"lm_head", "embed_tokens", "input_layernorm", "post_attention_layernorm"}
    assert (recipe.assembly, recipe.loss, recipe.tiles) == ("in-place", "all", 16)
    assert recipe.system
    assert len(recipe.prompts) > 1
    assert tile_grid(640, 480, recipe.tiles, 512) == (3, 4), "SmolVLM's thirteen views of a photograph"


def test_the_connectors_compared_are_those_of_the_paper_and_of_the_unofficial_implementation():
    kinds = {name: run.connector.kind for name, run in BLOCK.runs.items()}
    published = {"align-3b": "align", "mlp-3b": "mlp", "perceiver-3b": "perceiver", "ovis-3b": "visual-table"}
    assert kinds == {
        **published,
        "align-pruned-3b": "align",
        "align-low": "align",
        "mlp-low": "mlp",
        "h-reducer-low": "h-reducer",
        "align-repository": "align",
        "smolvlm-control": "pixel-shuffle",
    }
    for name in ("align-3b", "align-pruned-3b", "align-low"):
        align = BLOCK.runs[name].connector
        assert (align.head_init, align.vocabulary_norm, align.affine_norm, align.bias) == (True, True, True, False)
    assert BLOCK.runs["align-pruned-3b"].connector.pruned == 3400
    theirs = BLOCK.runs["align-repository"].connector
    assert (theirs.head_init, theirs.vocabulary_norm, theirs.affine_norm, theirs.bias) == (False, False, False, True)


def test_a_connector_and_its_control_differ_in_nothing_but_the_connector():
    for first, second in (("align-3b", "mlp-3b"), ("align-low", "mlp-low"), ("align-repository", "smolvlm-control")):
        assert captioning_recipe(STUDY, first) is captioning_recipe(STUDY, second)
    assert captioning_runs(STUDY) == [(name, None, 0) for name in BLOCK.runs]


@pytest.mark.parametrize("name", list(BLOCK.runs))
def test_every_connector_fits_between_its_models(name):
    recipe = captioning_recipe(STUDY, name)
    config = sample_of(FACTS, name, caption=20).connector
    assert isinstance(config, ConnectorConfig)
    assert config.language_width == language_size(FACTS, recipe.language).width
    assert config.output_tokens == {"perceiver": 144, "h-reducer": 243}.get(
        config.kind, 64 if recipe.vision == "smolvlm-vision" else 729
    )


@pytest.mark.parametrize("name", list(BLOCK.runs))
def test_the_context_holds_an_image_of_most_views_with_its_examples_and_a_long_caption(name):
    recipe = captioning_recipe(STUDY, name)
    connector = sample_of(FACTS, name, caption=20).connector
    marks = 4 if recipe.assembly == "in-place" else 0
    image = most_views(recipe) * (connector.output_tokens + marks)
    text = 400 + max(BLOCK.shots) * 60 + BLOCK.generation.max_new_tokens
    assert (1 + max(BLOCK.shots)) * image + text <= recipe.context_length
    assert image + 800 <= recipe.context_length, "a caption of PixMo-Cap has some 220 tokens"


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_no_image_has_more_than_the_nine_views_of_the_paper(shape):
    for name in ("published", "low-resource"):
        rows, columns = tile_grid(*shape, RECIPES[name].tiles, 384)
        assert rows * columns + 1 <= 9


def test_a_plan_counts_the_views_of_a_photograph_rather_than_the_most_that_there_may_be():
    assert [sample_of(FACTS, name, caption=20).views for name in ("align-3b", "align-repository")] == [5, 13]


def test_a_plan_counts_the_weights_of_language_models_among_those_that_are_fetched():
    weights = plan_study(FACTS, [], Workers()).weights
    assert weights["meta-llama/Llama-3.2-3B-Instruct (llama-3b)"] == pytest.approx(4 * 3.213e9, rel=0.01)
    assert "HuggingFaceTB/SmolVLM2-500M-Video-Instruct (smollm2)" in weights


@pytest.mark.parametrize("name", ["siglip-400m", "smolvlm-vision"])
def test_the_encoders_of_captioning_are_not_compared_with_those_of_the_older_study(name):
    assert name not in STUDY.pairs.vision
    assert set(STUDY.pairs.vision) == {"dinov2-base", "dinov2-large", "clip-vision"}


def test_long_captions_are_kept_for_captioning_and_compared_in_no_ablation():
    long = {name: source.max_characters for name, source in STUDY.sources.items() if source.max_characters}
    assert long == {"pixmo-cap": 10_000, "narratives": 10_000}
    assert STUDY.curate.filters.max_characters == 1000
    assert STUDY.mixes["described"].sets == ["pixmo-cap", "narratives"]
    assert "described" not in STUDY.ablation.mixes
    assert not {"pixmo-cap", "narratives"} & set(STUDY.train.datasets)


def test_all_models_are_pinned_to_a_commit():
    pins = [language.revision for language in BLOCK.languages.values()]
    pins += [FACTS.block(recipe.vision).revision for recipe in RECIPES.values()]
    assert all(re.fullmatch("[0-9a-f]{40}", pin) for pin in pins)
    one = BLOCK.languages["smollm2"]
    both = FACTS.block("smolvlm-vision")
    assert (one.source, one.revision) == (both.source, both.revision), "both halves of one model"


def test_captions_are_measured_on_photographs_that_no_split_of_coco_that_is_trained_on_has():
    assert (BLOCK.evaluation, BLOCK.validation) == (["coco-karpathy", "nocaps"], "coco-karpathy-val")
    trained = {
        name for recipe in RECIPES for names, *_ in stages_of(recipe) for name in names if name in STUDY.datasets
    }
    names = ["coco-karpathy", "coco-karpathy-val", *trained]
    splits = [(STUDY.datasets[name].format, STUDY.datasets[name].split) for name in names]
    assert splits == [("karpathy", "test"), ("karpathy", "val"), ("karpathy", "train")]
    assert len({STUDY.datasets[name].captions for name in names}) == 1


def test_the_narratives_are_of_photographs_that_nothing_is_measured_on():
    resource = STUDY.sources["narratives"].resource
    table = read_sources(ROOT / "workflow/resources/sources.csv")
    rows = table[table["name"] + "@" + table["version"] == resource]
    assert rows["address"].str.contains("open_images_train").all()
