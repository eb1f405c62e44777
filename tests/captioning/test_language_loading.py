"""Language models from folders and out of vision-language models, against transformers itself."""

import json
import os

import pytest
import torch
from tiny_models import ARCHITECTURES, layout, save_text_model
from tiny_towers import tiny_language, tiny_smolvlm, tiny_tokenizer

from ligature.captioning.language import embedding_table, head_weights, load_language, load_language_tokenizer
from ligature.encoders.unimodal.saving import save_model
from ligature.errors import EncoderError

TOKENS = torch.tensor([[0, 40, 70, 90, 200, 5, 6], [0, 9, 9, 100, 210, 7, 1]])


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("languages")
    folders = {
        "tied": tiny_language(root / "tied"),
        "untied": tiny_language(root / "untied", tied=False),
        "padded": tiny_language(root / "padded", padded=20),
        "chat": tiny_language(root / "chat", chat=True, vocabulary=340),
    }
    for tied in (True, False):
        folders["SmolVLM", tied] = tiny_smolvlm(root / f"SmolVLM-{tied}", tied=tied)
    return folders


def own_logits(folder, kind="AutoModelForCausalLM"):
    """The direct way: the whole model of transformers, on text."""
    import transformers

    model = getattr(transformers, kind).from_pretrained(folder).eval()
    with torch.no_grad():
        return model(input_ids=TOKENS).logits


def logits(model):
    with torch.no_grad():
        return model(input_ids=TOKENS).logits


@pytest.mark.parametrize("name", ["tied", "untied", "padded", "chat"])
def test_a_model_of_a_folder_gives_the_logits_of_transformers(name, folders):
    language = load_language(str(folders[name]))
    assert torch.equal(logits(language.model), own_logits(folders[name]))
    assert not language.model.training
    assert language.model.dtype == torch.float32


@pytest.mark.parametrize(
    ("kind", "tied"),
    [
        ("SmolVLM", True),
        ("Idefics3", True),
        ("Llava", False),
        *(pytest.param(*each, marks=pytest.mark.slow) for each in (("Idefics3", False), ("Llava", True))),
    ],
)
def test_out_of_a_vision_language_model_come_language_model_and_head(kind, tied, tmp_path):
    folder = tiny_smolvlm(tmp_path / "whole", kind=kind, tied=tied)
    language = load_language(folder)
    expected = own_logits(folder, "AutoModelForImageTextToText")
    assert type(language.model).__name__ == "LlamaForCausalLM"
    assert torch.equal(logits(language.model), expected)
    assert (head_weights(language.model) is embedding_table(language.model)) is tied
    assert not any(parameter.is_meta for parameter in language.model.parameters())
    assert not any("vision" in name for name, _ in language.model.named_parameters())

    save_model(language.model, tmp_path)
    language.tokenizer.save_pretrained(tmp_path)
    again = load_language(tmp_path)
    assert torch.equal(logits(again.model), expected)
    assert (head_weights(again.model) is embedding_table(again.model)) is tied


@pytest.mark.parametrize("tied", [True, False])
def test_the_head_is_tied_as_in_the_whole_model_whatever_its_inner_config_says(tied, tmp_path):
    folder = tiny_smolvlm(tmp_path / "whole", tied=tied)
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["tie_word_embeddings"] = not tied
    (folder / "config.json").write_text(json.dumps(config))
    expected = own_logits(folder, "AutoModelForImageTextToText")
    language = load_language(folder)
    save_model(language.model, tmp_path)
    language.tokenizer.save_pretrained(tmp_path)
    assert torch.equal(logits(language.model), expected)
    assert torch.equal(logits(load_language(tmp_path).model), expected)


def test_a_language_model_from_inside_can_be_trained_and_generates(folders):
    language = load_language(folders["SmolVLM", True])
    before = embedding_table(language.model).detach().clone()
    language.model(input_ids=TOKENS, labels=TOKENS).loss.backward()
    torch.optim.SGD(language.model.parameters(), lr=1.0).step()
    assert not torch.equal(embedding_table(language.model), before)
    assert head_weights(language.model) is embedding_table(language.model)
    attention = torch.ones_like(TOKENS)
    made = language.model.generate(TOKENS, attention_mask=attention, max_new_tokens=3, do_sample=False)
    assert made.shape[1] <= TOKENS.shape[1] + 3


def test_the_table_and_the_head_are_the_live_parameters(folders):
    tied, untied = load_language(folders["tied"]).model, load_language(folders["untied"]).model
    assert embedding_table(tied) is tied.model.embed_tokens.weight
    assert head_weights(tied) is embedding_table(tied)
    assert head_weights(untied) is untied.lm_head.weight
    assert not torch.equal(head_weights(untied), embedding_table(untied))
    embedding_table(untied)[3].sum().backward()
    assert untied.model.embed_tokens.weight.grad.abs().sum(dim=1).nonzero().flatten().tolist() == [3]


def test_a_vocabulary_may_be_padded_beyond_the_tokenizers(folders):
    language = load_language(folders["padded"])
    assert len(embedding_table(language.model)) == len(language.tokenizer) + 20
    assert logits(language.model).shape[-1] == len(language.tokenizer) + 20


def test_a_table_smaller_than_the_vocabulary_is_refused(folders, tmp_path):
    language = load_language(folders["tied"])
    save_model(language.model, tmp_path)
    language.tokenizer.add_tokens(["<more>", "<still-more>"])
    language.tokenizer.save_pretrained(tmp_path)
    count = len(language.tokenizer)
    with pytest.raises(EncoderError, match=f"tokenizer has {count} tokens, its table {count - 2} rows"):
        load_language(tmp_path)


def test_a_tokenizer_without_padding_pads_with_its_end(tmp_path):
    language = load_language(tiny_language(tmp_path, pad=False))
    assert language.tokenizer.pad_token_id == language.tokenizer.eos_token_id == 1
    assert load_language(tiny_language(tmp_path / "own")).tokenizer.pad_token_id == 2


def test_a_tokenizer_without_an_end_is_refused(tmp_path):
    tokenizer = tiny_tokenizer(tmp_path)
    tokenizer.eos_token = None
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(EncoderError, match="has no end token") as caught:
        load_language_tokenizer(tmp_path)
    assert "\n" not in str(caught.value)


def test_special_tokens_and_the_chat_template_come_along(folders):
    for name in ("chat", ("SmolVLM", True)):
        tokenizer = load_language(folders[name]).tokenizer
        assert tokenizer.eos_token == "<end_of_utterance>"
        assert "<row_1_col_1>" in tokenizer.get_vocab()
        rendered = tokenizer.apply_chat_template([{"role": "user", "content": "hi"}], tokenize=False)
        assert rendered == "User: hi<end_of_utterance>\n"


def test_another_type_of_weights(folders):
    for name in ("tied", ("SmolVLM", False)):
        language = load_language(folders[name], dtype=torch.bfloat16)
        assert {parameter.dtype for parameter in language.model.parameters()} == {torch.bfloat16}


def test_models_that_see_later_tokens_are_refused(tmp_path):
    save_text_model(tmp_path)
    tokenizer = json.loads((tmp_path / "tokenizer_config.json").read_text())
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({**tokenizer, "eos_token": "[SEP]"}))
    import transformers

    transformers.BertLMHeadModel(transformers.BertConfig.from_pretrained(tmp_path)).save_pretrained(tmp_path)
    with pytest.raises(EncoderError, match="its tokens see later ones"):
        load_language(tmp_path)


def test_missing_weights_are_named(folders, tmp_path):
    from safetensors.torch import load_file, save_file

    tiny_language(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    weights.pop("model.norm.weight")
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(EncoderError, match=r"lacks 1 weights, one is 'model\.norm\.weight'"):
        load_language(tmp_path)


def test_what_is_no_language_model_is_refused_in_one_line(tmp_path):
    ARCHITECTURES["vit"].saved(tmp_path)
    with pytest.raises(EncoderError, match="cannot be loaded: ") as caught:
        load_language(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_a_folder_that_lacks_a_file_is_refused(missing, tmp_path):
    (tiny_language(tmp_path) / missing).unlink()
    with pytest.raises(EncoderError, match=r"lacks config\.json or \*\.safetensors"):
        load_language(tmp_path)


def test_pickled_weights_are_not_read(tmp_path):
    tiny_language(tmp_path)
    os.replace(tmp_path / "model.safetensors", tmp_path / "pytorch_model.bin")
    with pytest.raises(EncoderError, match=r"lacks config\.json or \*\.safetensors"):
        load_language(tmp_path)


def test_code_of_a_folder_is_not_run(tmp_path):
    tiny_language(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(EncoderError, match="cannot be loaded: "):
        load_language(tmp_path)
    assert not (tmp_path / "ran").exists()


def test_a_revision_belongs_to_the_hub(folders):
    with pytest.raises(EncoderError, match="revision 'main' is a commit of the Hub"):
        load_language(folders["tied"], "main")


def test_a_folder_that_is_not_there_is_named():
    with pytest.raises(EncoderError, match=r"language model: no such folder nowhere"):
        load_language("./nowhere")


def test_a_source_may_name_a_variable_of_the_environment(folders, monkeypatch):
    monkeypatch.setenv("TINY_MODELS", str(folders["tied"].parent))
    language = load_language("${TINY_MODELS}/tied", None, layout())
    assert torch.equal(logits(language.model), own_logits(folders["tied"]))


def test_an_id_that_the_hub_does_not_have_is_named(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(EncoderError, match="nobody/nothing is neither a folder, nor to be had"):
        load_language("nobody/nothing")
