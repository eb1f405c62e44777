"""Causal language models of transformers: from the Hub, a folder, or out of a vision-language model."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ligature.encoders.source import HUB_FILES, fetch_folder, find_folder, first_line
from ligature.errors import EncoderError
from ligature.store import Layout

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

FILES = (*HUB_FILES, "*.jinja")
"""What is fetched of a Hub repository: neither code nor pickled weights; the chat template may be a file of its own."""


@dataclass(frozen=True)
class Language:
    """A language model, ready to be trained or used.

    Attributes:
        model: a causal language model in evaluation mode.
        tokenizer: its own, with end and padding.
    """

    model: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase"


def load_language(
    source: str | Path,
    revision: str | None = None,
    layout: Layout | None = None,
    *,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Language:
    """Loads a causal language model and its tokenizer; of a vision-language model, its language model and head.

    Args:
        source: Hub id or local folder.
        revision: Hub commit; None for the newest.
        layout: of the study, to which a relative folder belongs; None to take the source literally.
        device: where the model runs.
        dtype: of the weights.

    Raises:
        EncoderError: when it cannot be had or loaded, lacks weights, sees later tokens, has no end token, or has fewer
            rows of embeddings than its tokenizer has tokens.
    """
    folder = _folder(str(source), revision, layout)
    model = _model(folder, dtype).to(device).eval()
    tokenizer = load_language_tokenizer(folder)
    rows = len(embedding_table(model))
    if len(tokenizer) > rows:
        raise EncoderError(f"language model {folder}: its tokenizer has {len(tokenizer)} tokens, its table {rows} rows")
    _check_causal(model, folder)
    return Language(model, tokenizer)


def load_language_tokenizer(folder: Path) -> "PreTrainedTokenizerBase":
    """Loads the tokenizer of a language model; one without padding pads with its end token.

    Raises:
        EncoderError: it cannot be loaded, or has no end token.
    """
    from transformers import AutoTokenizer

    with _loading(folder):
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    if tokenizer.eos_token_id is None:
        raise EncoderError(f"language model {folder}: its tokenizer has no end token; name eos_token in its settings")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def embedding_table(model: nn.Module) -> Tensor:
    """Returns the table of input embeddings, [V, D], with gradient where it is trained; V may exceed the tokenizer's.

    Args:
        model: a causal language model, with or without adapters.
    """
    return _matrix(model.get_input_embeddings())


def head_weights(model: nn.Module) -> Tensor:
    """Returns the weights of the head, [V, D]; of a tied model, its table of embeddings.

    Args:
        model: a causal language model, with or without adapters.
    """
    return _matrix(model.get_output_embeddings())


def _matrix(module: nn.Module) -> Tensor:
    """Returns the matrix that a module uses: its own, or with the product of its active adapters added."""
    weight = module.weight
    for name in getattr(module, "active_adapters", []) if hasattr(module, "get_delta_weight") else []:
        weight = weight + module.get_delta_weight(name)
    return weight


def _folder(text: str, revision: str | None, layout: Layout | None) -> Path:
    folder = find_folder("language model", text, layout)
    if folder is None:
        folder = fetch_folder("language model", text, revision, FILES)
    elif revision is not None:
        raise EncoderError(
            f"language model {text}: revision {revision!r} is a commit of the Hub, {folder} is a folder; remove it"
        )
    if not (folder / "config.json").is_file() or not any(folder.glob("*.safetensors")):
        raise EncoderError(f"language model {folder}: lacks config.json or *.safetensors; choose another")
    return folder


@contextmanager
def _loading(folder: Path) -> Iterator[None]:
    """Turns whatever the loading library raises into one line that names the folder; its own bars are switched off."""
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    try:
        yield
    except Exception as error:
        raise EncoderError(f"language model {folder}: cannot be loaded: {first_line(error)}") from error


def _model(folder: Path, dtype: torch.dtype) -> "PreTrainedModel":
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText

    keywords = {"use_safetensors": True, "trust_remote_code": False, "dtype": dtype, "output_loading_info": True}
    with _loading(folder):
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
        inside = getattr(config, "text_config", None) is not None
        kind = AutoModelForImageTextToText if inside else AutoModelForCausalLM
        model, facts = kind.from_pretrained(folder, **keywords)
    if missing := sorted(facts["missing_keys"]):
        raise EncoderError(f"language model {folder}: lacks {len(missing)} weights, one is {missing[0]!r}")
    if not inside:
        return model
    with _loading(folder):
        return _language_inside(model)


def _language_inside(whole: Any) -> "PreTrainedModel":
    """Returns the language model and head of a vision-language model as a causal language model, without a copy."""
    from transformers import AutoModelForCausalLM

    decoder, head = whole.get_decoder(), whole.get_output_embeddings()
    decoder.config.tie_word_embeddings = head.weight is decoder.get_input_embeddings().weight
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(decoder.config)
    setattr(model, model.base_model_prefix, decoder)
    model.set_output_embeddings(head)
    model.generation_config = whole.generation_config
    return model


@torch.no_grad()
def _check_causal(model: "PreTrainedModel", folder: Path) -> None:
    """Checks by two texts with the same beginning that no token sees a later one."""
    tokens = torch.tensor([[0, 1, 2], [0, 1, 3]], device=model.device)
    first, second = model(input_ids=tokens).logits[:, 1].float()
    if (first - second).abs().max() > 1e-3 * first.std():
        raise EncoderError(f"language model {folder}: its tokens see later ones; choose a causal language model")
