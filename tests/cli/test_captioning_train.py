"""`ligature language` and `connect`: what is read and trained, twice the same, and every mistake in one line."""

import dataclasses
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from captioning_study import captioning_block, contents, make_layout, measured_study, study_values

from ligature.captioning import VisionLanguageModel, validation_loss
from ligature.captioning.language import embedding_table, load_language
from ligature.cli.captioning.connect import connect, stage_settings, validate_on
from ligature.cli.captioning.data import check_training, load_sets, load_stages, load_texts
from ligature.cli.captioning.language import find_recipe, language, language_schedule
from ligature.cli.captioning.models import build_model, kept_tokens
from ligature.data import open_dataset
from ligature.errors import DataError, EncoderError, ParamsError
from ligature.params.captioning import StageParams
from ligature.store.damage import read_sealed
from ligature.training import loop as training_loop


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return measured_study(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def trained(study) -> Path:
    return study[0].captioned("align", 8, 3)


def training(folder: Path) -> dict[str, bytes]:
    """Returns the bytes of what a training leaves, without those of its measurement."""
    made = ("model", "history.csv", "training.json")
    return {name: value for name, value in contents(folder).items() if name.startswith(made)}


def elsewhere(study, folder: Path, **changes):
    """The same study with another block and trainings of its own."""
    layout, _ = study
    other, where = make_layout(folder, study_values(layout.results.parent, **changes))
    other.captioning.mkdir(parents=True)
    (other.root / "encoders").symlink_to((layout.root / "encoders").resolve())
    (other.captioning / "languages").symlink_to((layout.captioning / "languages").resolve())
    return other, where


def test_a_language_model_reads_captions_translations_and_whole_descriptions(study):
    layout, _ = study
    recipe = find_recipe(layout, "own")
    every = load_texts(layout, recipe)
    assert len(every) == 24 + 12 + 12
    assert {"ein Bild in rot", "this is a long text on red", "a red picture"} <= set(every)
    assert "this is a" not in every
    assert len(load_texts(layout, recipe.model_copy(update={"translations": False}))) == 36
    captions = load_texts(layout, recipe.model_copy(update={"translations": False, "descriptions": False}))
    own = open_dataset(layout, "photos").of_variant().texts["text"].to_list()
    assert captions == own
    both = load_texts(layout, recipe.model_copy(update={"datasets": ["more", "photos"]}))
    assert both == open_dataset(layout, "more").texts["text"].to_list() + every


def test_the_short_texts_of_an_image_may_be_one_document_in_random_order(study):
    layout, _ = study
    recipe = find_recipe(layout, "own").model_copy(update={"documents": True})
    texts = load_texts(layout, recipe)
    apart = load_texts(layout, recipe.model_copy(update={"documents": False}))
    assert len(texts) == 12 + 12, "one of every image, and the long descriptions"
    assert sorted(line for text in texts for line in text.splitlines()) == sorted(apart)
    first = set(texts[0].splitlines())
    assert first == {"a red picture", "number 0 is very red", "ein Bild in rot"}
    assert texts == load_texts(layout, recipe)
    assert texts != load_texts(layout, recipe.model_copy(update={"seed": 1}))


def test_the_language_model_is_that_of_its_recipe(study):
    layout, _ = study
    model = load_language(str(layout.language("own") / "model"))
    assert embedding_table(model.model).shape[1] == 16
    assert len(model.tokenizer) <= 300
    card = read_sealed(layout.language("own") / "training.json")
    assert card["provenance"]["recipe"]["datasets"] == ["photos"]
    assert card["provenance"]["language"] == "own"
    schedule = language_schedule(find_recipe(layout, "own"), checkpoint_every=7.0)
    assert (schedule.epochs, schedule.batch_size, schedule.learning_rate) == (12, 8, 0.01)
    assert (schedule.min_learning_rate, schedule.seed, schedule.checkpoint_every_seconds) == (0.0, 0, 7.0)


def test_the_loss_falls_and_validation_is_that_of_the_saved_model(study, trained):
    layout, _ = study
    history = pd.read_csv(trained / "history.csv")
    assert history["stage"].tolist() == [1] * 12 + [2] * 6
    assert history["train_loss"].iloc[-3:].mean() < 0.95 * history["train_loss"].iloc[:3].mean()
    last = history["validation_loss"].iloc[-1]
    model = VisionLanguageModel.from_pretrained(trained / "model")
    told = load_sets(layout, ["told"], hashed=False)
    assert validation_loss(model, told, batch_size=5) == pytest.approx(last, abs=1e-4)
    validate = validate_on(layout, batch_size=5)
    assert validate(model)["loss"] == validate(model)["loss"] == pytest.approx(last, abs=1e-4)


def test_the_card_says_what_was_trained_on_what(trained):
    card = read_sealed(trained / "training.json")
    assert card["provenance"]["run"] == "align"
    assert card["provenance"]["pairs"] == 8
    assert card["provenance"]["sets"] == [[["photos"], "proportional"], [["photos", "more"], "proportional"]]
    assert card["config"]["connector"]["kind"] == "align"
    assert card["facts"]["steps"] == 18
    assert not (trained / "stages").exists()


def test_the_same_study_gives_the_same_bytes_and_another_seed_others(study, trained, tmp_path):
    layout, where = elsewhere(study, tmp_path)
    connect("align", "8", 3, **where)
    assert contents(layout.captioned("align", 8, 3)) == training(trained)
    connect("align", "8", 5, **where)
    weights = "model/connector.safetensors"
    assert contents(layout.captioned("align", 8, 5))[weights] != training(trained)[weights]


def test_a_killed_training_goes_on_to_the_same_bytes(study, trained, tmp_path, monkeypatch, capsys):
    layout, where = elsewhere(study, tmp_path)
    step = training_loop.TrainingLoop.step
    calls = iter(range(100))

    def killed(self, parts):
        if next(calls) == 14:
            raise KeyboardInterrupt
        return step(self, parts)

    monkeypatch.setattr(training_loop.TrainingLoop, "step", killed)
    with pytest.raises(KeyboardInterrupt):
        connect("align", "8", 3, checkpoint_every=1e-9, **where)
    assert not (layout.captioned("align", 8, 3) / "model").exists()
    monkeypatch.undo()
    connect("align", "8", 3, **where)
    assert "training goes on after step" in capsys.readouterr().err
    assert contents(layout.captioned("align", 8, 3)) == training(trained)


def test_adapters_tiles_prompts_and_a_pruned_vocabulary_end_in_a_whole_model(study):
    layout, where = study
    connect("pruned", "all", 5, **where)
    model = VisionLanguageModel.from_pretrained(layout.captioned("pruned", None, 5) / "model")
    assert model.config.chat.prompts == ("what is it?", "describe it")
    assert (model.config.chat.tiles, model.config.chat.assembly) == (4, "in-place")
    assert model.config.connector.pruned == 60
    assert len(model.connector.kept) == 60
    assert not hasattr(model.language, "peft_config")
    assert read_sealed(layout.captioned("pruned", None, 5) / "training.json")["provenance"]["pairs"] is None


def test_a_model_starts_the_same_by_seed_and_leaves_the_generator_alone(study):
    layout, _ = study
    data = load_stages(layout, "pruned", 8, 3)
    state = torch.get_rng_state()
    models = [build_model(layout, "pruned", data, seed).state_dict() for seed in (3, 3, 4)]
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(models[0][name], models[1][name]) for name in models[0])
    differing = {name.split(".")[0] for name in models[0] if not torch.equal(models[0][name], models[2][name])}
    assert differing == {"connector", "language"}


def test_align_starts_with_the_head_of_the_language_model(study):
    layout, _ = study
    data = load_stages(layout, "align", 8, 3)
    model = build_model(layout, "align", data, 3)
    torch.testing.assert_close(model.connector.to_vocabulary.detach(), embedding_table(model.language).detach())
    pruned = build_model(layout, "pruned", load_stages(layout, "pruned", 8, 3), 3)
    rows = embedding_table(pruned.language).detach()[pruned.connector.kept]
    torch.testing.assert_close(pruned.connector.to_vocabulary.detach(), rows)


def test_kept_tokens_are_the_most_frequent_with_end_and_padding(study):
    tokenizer = load_language(str(study[0].language("own") / "model")).tokenizer
    captions = ["a red picture", "a blue picture", "a very red thing"]
    kept = kept_tokens(captions, tokenizer, 8)
    counts = Counter(token for caption in captions for token in tokenizer.encode(caption, add_special_tokens=False))
    always = {tokenizer.eos_token_id, tokenizer.pad_token_id}
    ranked = sorted((token for token in range(len(tokenizer)) if token not in always), key=lambda t: (-counts[t], t))
    assert kept.tolist() == sorted({*always, *ranked[: 8 - len(always)]})
    assert kept_tokens([], tokenizer, 3).tolist() == sorted([*always, *({0, 1, 2, 3} - always)][:3])
    faked = [tokenizer.bos_token] * 9
    assert tokenizer.bos_token_id not in kept_tokens([*captions, *faked], tokenizer, 8), "a caption's text is text"
    with pytest.raises(ParamsError, match=f"pruned is 999, but the language model has {len(tokenizer)} tokens"):
        kept_tokens(captions, tokenizer, 999)


def test_stages_share_sets_and_smaller_draws_are_parts_of_larger_ones(study):
    layout, _ = study
    small, large = (load_stages(layout, "align", pairs, 3) for pairs in (8, None))
    assert [len(data.captions) for data in small] == [8, 8]
    assert [len(data) for data in large] == [12, 18]
    assert set(small[0].captions) <= set(large[0].captions)
    assert large[1].image_ids[:12] == large[0].image_ids
    assert small[0].content_hash != large[0].content_hash
    assert load_stages(layout, "align", None, 3, hashed=False)[0].content_hash != large[0].content_hash
    np.testing.assert_array_equal(large[1].image_of_text[24:], np.repeat(np.arange(12, 18), 2))


def test_the_hash_of_the_data_follows_the_bytes_of_images(study):
    layout, _ = study
    before = load_stages(layout, "mlp", 8, 3)[0].content_hash
    path = Path(load_sets(layout, ["photos"], hashed=False).paths[2])
    original = path.read_bytes()
    path.write_bytes(original + b"more")
    try:
        assert load_stages(layout, "mlp", 8, 3)[0].content_hash != before
        path.unlink()
        with pytest.raises(DataError, match=f"{path.name}: missing file; replace it or remove it"):
            load_stages(layout, "mlp", 8, 3)
    finally:
        path.write_bytes(original)


def test_weights_of_a_mix_reach_the_draws(study, monkeypatch):
    layout, _ = study
    for weights, expected in (([3.0, 1.0], (3.0, 1.0)), ("equal", (1.0, 1.0))):
        monkeypatch.setattr("ligature.cli.captioning.data.stage_sets", lambda *_, w=weights: (["photos", "more"], w))
        whole, part = (load_stages(layout, "mlp", pairs, 0)[0] for pairs in (None, 20))
        assert (whole.mixture.sizes, whole.mixture.weights) == ((12, 6), expected)
        assert part.mixture.rows == len(part)
    assert load_sets(layout, ["photos", "more"]).mixture is None


def test_settings_follow_from_the_stage():
    stage = StageParams(datasets=["photos"], learning_rates={"vision": 1e-4, "connector": 1e-3}, decay="linear")
    settings = stage_settings(stage, 4, checkpoint_every=9.0)
    assert settings.learning_rates == {"vision": 1e-4, "connector": 1e-3}
    assert (settings.seed, settings.decay, settings.batch_size, settings.epochs) == (4, "linear", 32, 1)
    assert (settings.checkpoint_every_seconds, settings.max_steps) == (9.0, None)
    assert dataclasses.replace(settings, max_steps=2) == stage_settings(stage, 4, checkpoint_every=9.0, max_steps=2)


@pytest.mark.parametrize(
    ("training", "words"),
    [
        (("other", "8", 3), "unknown run 'other'; known: align, pruned, mlp"),
        (("align", "9", 3), "--pairs 9: run 'align' is trained on pairs 8, all"),
        (("mlp", "all", 3), "--pairs all: run 'mlp' is trained on pairs 8"),
        (("align", "-1", 3), "--pairs -1: run 'align' is trained on pairs 8, all"),
        (("align", "all", 4), "--seed 4: the study trains with seeds 3, 5"),
    ],
)
def test_unknown_runs_pairs_and_seeds_are_one_line_with_those_there_are(study, training, words):
    layout, where = study
    with pytest.raises(ParamsError) as raised:
        connect(*training, **where)
    assert str(raised.value) == words
    assert check_training(layout, "align", "all", 5) is None


def test_more_pairs_than_there_are_are_named_with_their_stage(study, tmp_path):
    _, where = elsewhere(study, tmp_path, pairs=[30])
    with pytest.raises(ParamsError, match=r"^run 'align', stage on photos: 30 pairs .* 24 ") as raised:
        connect("align", "30", 3, **where)
    assert "\n" not in str(raised.value)


def test_what_must_come_first_is_named(study, tmp_path):
    layout, where = elsewhere(study, tmp_path)
    (layout.captioning / "languages").unlink()
    with pytest.raises(DataError, match="languages/own/model: missing; run `ligature language own` first"):
        connect("align", "8", 3, **where)
    (layout.root / "encoders").unlink()
    with pytest.raises((EncoderError, DataError), match="patches"):
        connect("align", "8", 3, **where)


def test_unknown_language_models_and_those_with_a_source_are_refused(study, tmp_path):
    layout, where = study
    with pytest.raises(ParamsError, match=r"^unknown language model 'other'; known: own$"):
        language("other", **where)
    block = captioning_block()
    block["languages"]["hub"] = {"source": "some/model"}
    other, _ = make_layout(tmp_path, study_values(layout.results.parent, languages=block["languages"]))
    with pytest.raises(ParamsError, match=r"^language model 'hub' has no recipe; it is loaded from its source$"):
        find_recipe(other, "hub")
    _, bare = make_layout(tmp_path / "bare", study_values(layout.results.parent) | {"captioning": None})
    for verb, arguments in ((language, ("own",)), (connect, ("align", "8", 3))):
        with pytest.raises(ParamsError, match=r"^study 'captioned' has no captioning block$"):
            verb(*arguments, **bare)


def test_a_published_model_is_loaded_from_its_folder(study, tmp_path):
    layout, _ = study
    languages = {"own": {"source": str(layout.language("own") / "model")}}
    other, where = elsewhere(study, tmp_path, languages=languages)
    (other.captioning / "languages").unlink()
    connect("mlp", "8", 3, **where)
    card = json.loads((other.captioned("mlp", 8, 3) / "training.json").read_text())
    assert card["provenance"]["language"]["recipe"] is None


@pytest.mark.slow
def test_the_command_itself_says_a_mistake_in_one_line(study):
    """About 10 s."""
    _, where = study
    command = [sys.executable, "-m", "ligature.cli.main", "connect", "align", "--pairs", "9", "--seed", "3"]
    done = subprocess.run(
        [*command, "--params", str(where["params"]), "--results", str(where["results"])], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr == "error: --pairs 9: run 'align' is trained on pairs 8, all\n"
