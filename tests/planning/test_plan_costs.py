"""The work of a job against sums done by hand."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_examples import ROOT, facts_of, public_values, tiny_values

from ligature.params.train import AssemblyParams
from ligature.planning import COSTS, Job, UnknownFact, cost_of
from ligature.planning.work import loss_flop, projector_flop

FACTS = facts_of(tiny_values())
VIT_FLOP = 4 * 2 * 768 * 128 + 2 * 5 * (8 * 128**2 + 4 * 128 * 256 + 4 * 5 * 128)
"""The tiny study's own transformer: 4 patches of 16 x 16 x 3 values, then 5 tokens through 2 layers."""


def work(rule, facts=FACTS, **wildcards):
    cost = cost_of(facts, Job(rule, wildcards))
    return dict(cost.works), cost


def embedding(encoder, dataset, view="pooled", facts=FACTS):
    return work("embed", facts, encoder=encoder, dataset=dataset, view=view, part="00000")


def test_embedding_images_is_decoding_and_a_forward_pass_an_image():
    works, cost = embedding("vit-untrained", "captions-train")
    assert works["decode"] == 120 * 32**2, "half of 240 images, for there are two parts"
    assert works["encode"] == 120 * VIT_FLOP
    assert (cost.stored, cost.gpu) == (120 * 2 * 128 * 2, True)


@pytest.mark.parametrize(("view", "vectors", "width"), [("regions", 5, 2), ("tokens", 5, 2), ("tokens-int8", 5, 1)])
def test_a_store_of_tokens_holds_every_vector(view, vectors, width):
    _, cost = embedding("vit-untrained", "captions-val", view)
    assert cost.stored == 60 * vectors * 128 * width


def test_texts_are_captions_translations_and_descriptions_or_prompts():
    works, cost = embedding("bag-of-words", "captions-test")
    assert works["tokenise"] == 40 * (5 + 3 + 3), "three languages, two lengths and the whole"
    assert (works["encode"], cost.gpu, cost.stored) == (0, False, 40 * 11 * 128 * 2)
    works, _ = embedding("bag-of-words", "labels-val")
    assert works["tokenise"] == 96 * (1 + 1 + 1)


def test_the_pool_is_split_among_jobs_and_never_larger_than_all():
    works, _ = embedding("bag-of-words", "laion")
    assert works["tokenise"] == 400 / 4
    works, cost = work("pool", source="laion", part="00000")
    assert works["read metadata"] == 100
    assert cost.stored == 100 * (8 + 100 + 60)


def test_full_size_stores_what_is_published():
    values = tiny_values()
    values["encoders"]["text"][0]["dims"] = 1024
    values["sources"]["laion"].update(parts=1, slices=1)
    facts = facts_of(values, rows={"laion": 407_000_000})
    _, cost = embedding("bag-of-words", "laion", facts=facts)
    assert cost.stored == pytest.approx(834e9, rel=0.001)


def test_scoring_and_merging_count_products_and_entries():
    works, cost = work("score", part="00000")
    assert works["score"] == 2 * 100 * 96 * 32
    assert (cost.stored, cost.gpu) == (96 * 60 * 12, True)
    works, _ = work("merge", level="1", part="00000")
    assert works["merge states"] == 2 * 96 * 60
    works, cost = work("curate")
    assert works["select"] == 96 * 60
    assert cost.stored == 2 * 96 * 4 * (168 + 8)


def test_downloads_from_the_network_are_counted_and_those_of_the_studys_own_server_are_not():
    asked = 96 * 4 / 2
    works, cost = work("download", set="collected", part="00000")
    assert (works["download"], cost.downloaded) == (asked, 0)
    works, cost = work("download", facts_of(public_values()), set="collected", part="00000")
    assert cost.downloaded == pytest.approx(asked * 0.7 * 150_000)
    assert cost.stored == pytest.approx(asked * 0.7 * 32 * 32 * 4 / 3 * 0.25)


def test_mixes_keep_no_more_than_the_quotas_nor_than_what_arrives():
    assert FACTS.kept("collected") == min(96 * 2, 0.7 * 96 * 4)
    assert FACTS.kept("cc3m") == pytest.approx(0.7 * 60)


def test_a_public_file_is_fetched_and_an_unknown_size_is_named():
    values = public_values()
    values["datasets"]["captions-val"].update(resources=["photos@v1"])
    facts = facts_of(values)
    works, cost = work("fetch", facts, source="laion", part="00000")
    assert (works["fetch"], cost.downloaded, cost.stored) == (500, 500, 500)
    works, cost = work("unpack", facts, resource="photos@v1")
    assert (works["fetch"], cost.downloaded) == (7000, 7000)
    assert len(cost.unknown) == 1
    assert "photos@v1: sources.csv lacks the bytes of 1 of its files" in cost.unknown[0]


def test_a_projector_takes_six_operations_a_weight_and_pair():
    token = projector_flop(AssemblyParams(), 160, 384, 256, (1, 1, False))
    assert token == 6 * (2 * 160 * 256 + 256**2 + 2 * 384 * 256 + 256**2 + 2 * 256**2)
    plain = AssemblyParams(vision_local="linear", vision_cls="none", text_local="identity", text_global="linear")
    assert projector_flop(plain, 160, 384, 256, (9, 9, True)) == 6 * (160 * 256 + 384 * 256)


def test_only_the_hidden_layer_of_a_token_block_meets_every_token():
    one, many = (projector_flop(AssemblyParams(), 160, 384, 256, (n, 1, False)) for n in (1, 5))
    assert many - one == 6 * 4 * 160 * 256


def test_training_counts_steps_projector_and_loss():
    works, cost = work("train")
    pair = projector_flop(FACTS.study.train.projector, 128, 128, 32, (1, 1, True))
    assert works["step"] == 12 * (240 // 60)
    assert works["train"] == pytest.approx(48 * (60 * pair + loss_flop(60, None, 32)))
    assert cost.gpu


def test_local_negatives_make_the_loss_cheaper():
    assert loss_flop(100, 10, 32) == loss_flop(100, None, 32) / 10


def test_a_training_on_images_encodes_them_at_every_step():
    values = tiny_values()
    values["train"]["mode"] = "images"
    values |= {"sources": {}, "curate": None, "download": None, "mixes": {}, "ablation": None, "captioning": None}
    values["pretraining"] |= {"mix": None, "datasets": ["captions-train"]}
    works, _ = work("train", facts_of(values))
    assert works["encode"] == 48 * 60 * VIT_FLOP
    assert works["decode"] == 48 * 60 * 32**2


def test_a_run_of_the_sweep_takes_every_seed():
    one, _ = work("vary", run="token-token-token-mlp")
    assert one["step"] == 6 * 2
    probes, _ = work("probe", vision="pixels")
    assert probes["step"] == 20, "one entry a step and text encoder; the dictionary keeps the last"


OF_RULE = {
    "encoder": {"encoder": "vit-untrained"},
    "embed": {"encoder": "vit-untrained", "dataset": "labels-val", "view": "pooled", "part": "00000"},
    "probe": {"vision": "pixels"},
    "vary": {"run": "regions"},
    "match_experiment": {"experiment": "shifted"},
    "pretrain": {"pretrained": "alignclip", "seed": "0"},
    "gauge": {"pretrained": "alignclip", "seed": "0"},
    "language_model": {"language": "storyteller"},
    "connect": {"captioner": "align", "pairs": "48", "seed": "0"},
    "appraise": {"captioner": "mlp", "pairs": "all", "seed": "0"},
    "fetch": {"source": "laion"},
    "unpack": {"resource": "photos@v1"},
    "pool": {"source": "laion"},
    "score": {"part": "00000"},
    "merge": {"level": "1", "part": "00000"},
    "download": {"set": "collected"},
    "ablate": {"mix": "both"},
}


def rules_with_a_gpu() -> set[str]:
    text = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "workflow/rules").glob("*.smk"))
    blocks = re.split(r"^(?:rule|checkpoint) (\w+):$", text, flags=re.MULTILINE)
    return {name for name, block in zip(blocks[1::2], blocks[2::2], strict=True) if re.search(r"^ +gpu=", block, re.M)}


@pytest.mark.parametrize("rule", COSTS)
def test_every_rule_has_work_to_do_and_takes_a_gpu_where_the_workflow_gives_it_one(rule):
    works, cost = work(rule, facts_of(public_values()), **OF_RULE.get(rule, {}))
    assert works
    assert all(units > 0 for units in works.values())
    assert cost.gpu is (rule in rules_with_a_gpu())


@settings(max_examples=10, deadline=None)
@given(rows=st.integers(100, 10**8), job=st.sampled_from(["pool", "embed"]))
def test_twice_the_rows_are_twice_the_units(rows, job):
    wildcards = {"source": "laion", "part": "00000", "encoder": "bag-of-words", "dataset": "laion", "view": "pooled"}
    once, twice = (work(job, facts_of(tiny_values(), rows={"laion": count}), **wildcards) for count in (rows, 2 * rows))
    for step, units in once[0].items():
        assert twice[0][step] == pytest.approx(units if step in ("start", "load an encoder") else 2 * units)
    assert twice[1].stored == pytest.approx(2 * once[1].stored)


def test_what_no_table_knows_is_an_error_that_says_what_to_give():
    values = public_values()
    values["sources"]["laion"]["resource"] = "elsewhere@v1"
    with pytest.raises(UnknownFact, match=r"sources.laion: its rows are not known; pass --rows laion=NUMBER"):
        work("pool", facts_of(values), source="laion", part="00000")
    with pytest.raises(UnknownFact, match="rule brew: the plan does not know it"):
        work("brew")
    values["datasets"]["captions-val"].update(images="/a", captions="/b")
    with pytest.raises(UnknownFact, match=r"datasets.captions-val: .* give --rows captions-val=NUMBER"):
        facts_of(values).images("captions-val")
    values["encoders"]["vision"][1] = {"name": "vit-untrained", "loader": "transformers", "source": "someone/thing"}
    with pytest.raises(UnknownFact, match=r"encoders.vit-untrained: 'someone/thing' is not in .*architectures.csv"):
        facts_of(values).architecture("vit-untrained")


def test_limits_folds_and_given_rows_decide_how_many_images_there_are():
    values = tiny_values()
    values["datasets"]["captions-val"].update(images="/a", captions="/b", limit=50, fold={"index": 0, "of": 2})
    assert facts_of(values, rows={"captions-val": 80}).images("captions-val") == 40
    assert facts_of(values, rows={"captions-val": 300}).images("captions-val") == 50
    values["datasets"]["captions-val"].update(resources=["photos@v1"], fold=None)
    assert facts_of(values | {"pairs": values["pairs"]}).images("captions-val") == 50


def test_public_benchmarks_have_the_sizes_of_their_releases():
    values = tiny_values()
    values["datasets"]["imagenet"] = {"format": "imagenet", "split": "val", "root": "/data"}
    for name, captions in (("coco-test", "/k/dataset_coco.json"), ("flickr-test", "/k/dataset_flickr30k.json")):
        block = {"format": "karpathy", "split": "test", "images": "/i", "captions": captions}
        values["datasets"][name] = block
    facts = facts_of(values)
    assert (facts.images("imagenet"), facts.classes("imagenet")) == (50000, 1000)
    assert (facts.images("coco-test"), facts.images("flickr-test")) == (5000, 1000)
