"""The cost of vision-language models against sums done by hand and against counts of real modules."""

import pytest
import torch
from plan_examples import facts_of, tiny_values
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from ligature.captioning.connectors import make_connector
from ligature.params.captioning import CaptioningParams
from ligature.params.load import parse_study
from ligature.planning import Job, UnknownFact, captioning_costs, cost_of
from ligature.planning.architectures import Architecture
from ligature.planning.captioning_costs import LANGUAGE_MODELS, causal, language_size, sample_of

VIT_FLOP = 4 * 2 * 768 * 128 + 2 * 5 * (8 * 128**2 + 4 * 128 * 256 + 4 * 5 * 128)
"""The tiny study's own transformer: 4 patches of 16 x 16 x 3 values, then 5 tokens through 2 layers."""
VOCABULARY, WIDTH, CAPTION = 400, 16, 25
CONNECTORS = {
    "align": {"kind": "align"},
    "pruned": {"kind": "align", "pruned": 50, "factor": 2},
    "linear": {"kind": "linear"},
    "mlp": {"kind": "mlp", "factor": 2},
    "narrow": {"kind": "mlp", "hidden": 24},
    "pixel-shuffle": {"kind": "pixel-shuffle", "factor": 2},
    "perceiver": {"kind": "perceiver", "queries": 6, "layers": 3, "heads": 2},
    "visual-table": {"kind": "visual-table", "table": 70},
    "h-reducer": {"kind": "h-reducer", "reduction": 2},
}


def stage(**changes) -> dict:
    return {"datasets": ["captions-train"], "learning_rates": {"connector": 0.01}, "batch_size": 16, **changes}


def values_of(*stages, connector=None, recipe=None, **changes) -> dict:
    values = tiny_values()
    block = values["captioning"]
    block["recipes"]["brief"] |= {"stages": list(stages) or [stage()], **(recipe or {})}
    block["runs"] = {"run": {"recipe": "brief", "connector": connector or {"kind": "linear"}}}
    block |= changes
    return values


def cost(rule, values, pairs="48"):
    facts = facts_of(values)
    found = cost_of(facts, Job(rule, {"captioner": "run", "pairs": pairs, "seed": "0", "language": "storyteller"}))
    return dict(found.works), found


def language_flop(tokens, predicted):
    layer = 4 * WIDTH**2 + 3 * WIDTH * 3 * WIDTH
    return 2 * tokens * layer + 4 * tokens**2 * WIDTH + 2 * predicted * VOCABULARY * WIDTH


LINEAR = 2 * 4 * 128 * WIDTH
SEEN = 4 + CAPTION


@pytest.mark.parametrize(
    ("source", "billions"),
    [
        ("meta-llama/Llama-3.2-1B", 1.236),
        ("meta-llama/Llama-3.2-3B", 3.213),
        ("HuggingFaceTB/SmolLM2-360M", 0.3618),
        ("HuggingFaceTB/SmolVLM2-500M-Video-Instruct", 0.3619),
    ],
)
def test_language_models_have_the_weights_that_are_published(source, billions):
    assert LANGUAGE_MODELS[source].parameters / 1e9 == pytest.approx(billions, rel=0.002)


@pytest.mark.parametrize("keys", [1, 4])
def test_a_causal_model_has_the_matrices_and_the_operations_of_a_real_one(keys):
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=300,
        hidden_size=64,
        num_hidden_layers=3,
        intermediate_size=96,
        num_attention_heads=4,
        num_key_value_heads=keys,
        tie_word_embeddings=True,
        attn_implementation="eager",
    )
    model, size = LlamaForCausalLM(config).eval(), causal(64, 3, 96, 16 * keys, 300)
    assert size.parameters == sum(weight.numel() for weight in model.parameters() if weight.dim() > 1)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 11, dtype=torch.long))
    head = 2 * 11 * 300 * 64
    assert counter.get_total_flops() - head == pytest.approx(size.tokens_flop(11), rel=0.01)


@pytest.mark.parametrize("name", CONNECTORS)
def test_a_connector_has_the_operations_and_weights_of_the_module(name):
    sample = sample_of(facts_of(values_of(connector=CONNECTORS[name])), "run", CAPTION)
    config = sample.connector
    table = torch.randn(VOCABULARY, WIDTH)
    kept = torch.arange(config.pruned) if config.pruned else None
    module = make_connector(config, embeddings=table, head=table, kept=kept)
    module.requires_grad_(False).streamed = False
    with torch.no_grad(), FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        visual = module(torch.randn(1, config.tokens, config.vision_width), table)
    assert visual.shape == (1, sample.visual, WIDTH)
    assert counter.get_total_flops() == sample.connector_flop
    matrices = sum(weight.numel() for weight in module.parameters() if weight.dim() > 1)
    assert captioning_costs._connector_weights(config) == matrices


def test_training_a_language_model_reads_every_text_once_an_epoch():
    facts = facts_of(tiny_values())
    works, found = cost("language_model", tiny_values())
    images = facts.images("captions-read")
    texts = images * (5 + 2 + 1)
    assert works["tokenise"] == texts, "five captions, two translations and the whole description of an image"
    assert works["step"] == texts / 16
    assert works["train"] == pytest.approx(3 * images * (7 * language_flop(25, 25) + language_flop(64, 64)))
    size = language_size(facts, "storyteller")
    assert found.stored == 4 * size.parameters == 4 * (VOCABULARY * WIDTH + 4 * WIDTH**2 + 9 * WIDTH**2)
    assert found.gpu


def test_translations_and_descriptions_are_texts_too_and_cut_at_the_context():
    values = tiny_values()
    recipe = values["captioning"]["languages"]["storyteller"]["recipe"]
    recipe |= {"datasets": ["captions-test"], "context_length": 64}
    whole, _ = cost("language_model", values)
    assert whole["tokenise"] == 40 * (5 + 3 + 1)
    head_and_layers = 40 * (8 * language_flop(25, 25) + language_flop(64, 64))
    assert whole["train"] == pytest.approx(3 * head_and_layers)
    recipe |= {"translations": False, "descriptions": False}
    own, _ = cost("language_model", values)
    assert own["tokenise"] == 40 * 5


def test_a_frozen_tower_sees_every_image_once_and_the_language_model_lets_the_gradient_through():
    works, found = cost("connect", values_of(stage(epochs=3)))
    validated = 60
    assert works["decode"] == (48 + validated) * 32**2
    assert works["encode"] == pytest.approx(
        (48 + validated) * VIT_FLOP + 3 * validated * (LINEAR + language_flop(SEEN, CAPTION))
    )
    assert works["train"] == pytest.approx(3 * 48 * (3 * LINEAR + 2 * language_flop(SEEN, CAPTION)))
    assert works["step"] == 3 * 48 / 16
    assert found.gpu


def test_a_trained_tower_sees_every_image_in_every_epoch():
    rates = {"connector": 0.01, "vision": 0.01, "language": 0.01}
    works, _ = cost("connect", values_of(stage(epochs=3, learning_rates=rates)))
    assert works["decode"] == 3 * (48 + 60) * 32**2
    assert works["train"] == pytest.approx(3 * 48 * 3 * (VIT_FLOP + LINEAR + language_flop(SEEN, CAPTION)))


def test_adapters_count_as_a_frozen_language_model():
    rates = {"connector": 0.01, "language": 0.01}
    whole, _ = cost("connect", values_of(stage(learning_rates=rates)))
    adapted, _ = cost("connect", values_of(stage(learning_rates=rates), recipe={"lora": {"rank": 2}}))
    frozen, _ = cost("connect", values_of(stage()))
    assert whole["train"] > adapted["train"] == frozen["train"]


def test_features_that_do_not_fit_in_memory_are_computed_in_every_epoch(monkeypatch):
    monkeypatch.setattr(captioning_costs, "CACHE_BYTES", 0)
    works, _ = cost("connect", values_of(stage(epochs=3)))
    assert works["decode"] == 3 * (48 + 60) * 32**2
    monkeypatch.setattr(captioning_costs, "CACHE_BYTES", 24 * 4 * 128 * 4)
    works, _ = cost("connect", values_of(stage(epochs=3)))
    kept_once, every_epoch = 24 + 24, (48 - 24) + (60 - 24)
    assert works["decode"] == pytest.approx((kept_once + 3 * every_epoch) * 32**2), "24 images of either set fit"


def test_all_pairs_are_all_images_and_stages_add_up():
    one, _ = cost("connect", values_of(stage()), pairs="all")
    assert one["step"] == 240 / 16
    two, _ = cost("connect", values_of(stage(), stage()), pairs="all")
    assert two["train"] == pytest.approx(2 * one["train"])
    more, _ = cost("connect", values_of(stage()), pairs="9999")
    assert more == one


def test_tiles_are_further_views_and_visual_tokens_leave_less_room_for_text():
    facts = facts_of(values_of(recipe={"tiles": 4, "context_length": 30}))
    sample = sample_of(facts, "run", CAPTION)
    assert (sample.views, sample.visual, sample.text, sample.caption) == (5, 20, 10, 10)
    assert sample_of(facts_of(values_of()), "run", CAPTION).visual == 4


def test_prompts_are_text_around_the_image_that_only_one_loss_is_on():
    asked = {"prompts": ["describe"], "system": "You describe."}
    sample = sample_of(facts_of(values_of(recipe=asked)), "run", CAPTION)
    assert (sample.text, sample.caption) == (2 * 12 + CAPTION, CAPTION)
    answer, _ = cost("connect", values_of(recipe=asked))
    everything, _ = cost("connect", values_of(recipe=asked | {"loss": "all"}))
    assert everything["train"] - answer["train"] == pytest.approx(48 * 2 * 2 * 24 * VOCABULARY * WIDTH)


def test_captions_are_read_once_and_written_token_by_token():
    plain = values_of(shots=[0], noise=[])
    works, found = cost("appraise", plain)
    assert works["decode"] == 40 * 32**2
    assert works["step"] == 40 * 12 / 32
    written = language_flop(SEEN + 12, 12) - language_flop(SEEN, 0)
    assert works["encode"] == pytest.approx(40 * (VIT_FLOP + LINEAR + language_flop(SEEN, 1) + written))
    assert found.gpu
    assert found.stored == 0


def test_examples_noise_and_beams_make_captions_dearer():
    plain, _ = cost("appraise", values_of(shots=[0], noise=[]))
    shown, _ = cost("appraise", values_of(shots=[0, 2], noise=[]))
    assert shown["decode"] == 4 * plain["decode"], "two examples and the image itself, after the image alone"
    noisy, _ = cost("appraise", values_of(shots=[0], noise=[0.0, 1.0], noise_images=8))
    assert noisy["step"] == pytest.approx(plain["step"] * (40 + 2 * 8) / 40)
    assert noisy["encode"] == pytest.approx(plain["encode"] * (40 + 2 * 8) / 40)
    beams, _ = cost("appraise", values_of(shots=[0], noise=[], generation={"method": "beam", "beams": 3}))
    greedy, _ = cost("appraise", values_of(shots=[0], noise=[], generation={}))
    assert greedy["encode"] < beams["encode"] < 3 * greedy["encode"]


def test_a_language_model_that_no_one_declared_is_named():
    values = values_of(languages={"storyteller": {"source": "someone/thing"}})
    with pytest.raises(
        UnknownFact, match=r"captioning.languages.storyteller: .*'someone/thing', only of .*Llama-3.2-1B"
    ):
        cost("connect", values)


def test_a_published_language_model_costs_two_operations_a_weight_and_token():
    size = language_size(
        facts_of(values_of(languages={"storyteller": {"source": "meta-llama/Llama-3.2-1B"}})), "storyteller"
    )
    layers = size.parameters - size.vocabulary * size.width
    assert size.tokens_flop(100) == pytest.approx(2 * 100 * layers + 4 * 16 * 100**2 * 2048)
    assert isinstance(size, Architecture)


def test_long_captions_and_samples_of_sources_are_known():
    values = tiny_values()
    values["sources"]["cc3m"] |= {"format": "pixmo-cap", "sample": {"rows": 20}}
    values["sources"]["cc3m"]["files"] = "/data/pixmo.parquet"
    facts = facts_of(values, rows={"cc3m": 60})
    assert (facts.rows("cc3m"), facts.drawn("cc3m"), facts.asked("cc3m")) == (60, 20, 20)
    assert facts.kept("cc3m") == pytest.approx(0.7 * 20)
    assert facts.tokens("cc3m") == 220
    assert facts.tokens("collected") == 18
    values["sources"]["laion"]["sample"] = {"rows": 100}
    facts = facts_of(values, rows={"cc3m": 60})
    assert facts.texts("laion") == facts.scale.captions == 100
    assert dict(cost_of(facts, Job("score", {"part": "00000"})).works)["score"] == 2 * 25 * 96 * 32
    assert dict(cost_of(facts, Job("pool", {"source": "laion"})).works)["read metadata"] == 100


def test_every_run_of_the_tiny_study_has_a_cost():
    study = parse_study(tiny_values(), "tiny")
    assert isinstance(study.captioning, CaptioningParams)
    for run in study.captioning.runs:
        for rule in ("connect", "appraise"):
            found = cost_of(facts_of(tiny_values()), Job(rule, {"captioner": run, "pairs": "48", "seed": "0"}))
            assert all(units > 0 for _, units in found.works)
