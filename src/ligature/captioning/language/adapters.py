"""Low-rank adapters on a language model (LoRA, arXiv 2106.09685; rank-stabilised, arXiv 2312.03732)."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor, nn

from ligature.captioning.language.loading import embedding_table, head_weights
from ligature.errors import ParamsError

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class LoraSettings:
    """Adapters on linear maps, W + scale * B A with A [rank, in] and B [out, rank], B zero at first.

    Attributes:
        rank: of every adapter.
        alpha: scale before it is divided.
        rank_stabilised: whether the scale is alpha over the root of the rank rather than over the rank.
        dropout: of the inputs of adapters.
        targets: names of linear maps that have adapters; all of a name.
        whole: names of modules that are trained whole beside them.
    """

    rank: int = 64
    alpha: float = 64.0
    rank_stabilised: bool = True
    dropout: float = 0.0
    targets: Sequence[str] = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
    whole: Sequence[str] = ()


def add_lora(model: "PreTrainedModel", settings: LoraSettings) -> "PeftModel":
    """Wraps a language model with adapters, A from torch's global generator; only they and ``whole`` are trainable.

    A tied model stays tied: a table that is trained whole is its head, too.

    Raises:
        ParamsError: peft is not installed, a target or module is not there, a target is the head of a tied model, or is
            trained whole already.
    """
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError as error:
        raise ParamsError("lora needs the package peft: pip install 'ligature[captions]'") from error
    modules = dict(model.named_modules())
    maps = {path: module for path, module in modules.items() if isinstance(module, nn.Linear)}
    targets, whole = _named("targets", settings.targets, maps), _named("whole", settings.whole, modules)
    tied = {path for path in modules if head_weights(model) is embedding_table(model) is _own_weight(modules[path])}
    if both := sorted(tied & targets):
        raise ParamsError(
            f"lora.targets: {both[0]!r} is the table of embeddings of this tied model, too; name it in lora.whole"
        )
    if inside := sorted(path for path in targets if any(f"{path}.".startswith(f"{each}.") for each in whole)):
        raise ParamsError(f"lora.targets: {inside[0]!r} is trained whole already, by lora.whole; name it in one only")
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=settings.rank,
        lora_alpha=settings.alpha,
        use_rslora=settings.rank_stabilised,
        lora_dropout=settings.dropout,
        target_modules=list(settings.targets),
        modules_to_save=list(settings.whole) or None,
        ensure_weight_tying=bool(tied & whole),
    )
    return get_peft_model(model, config)


def merge_lora(model: nn.Module) -> "PreTrainedModel":
    """Returns a plain model of transformers with the same logits, to be saved; ``model`` stays as it is.

    Args:
        model: a language model; one without adapters is returned itself.
    """
    if not hasattr(model, "peft_config"):
        return model
    return deepcopy(model).merge_and_unload()


def _own_weight(module: nn.Module) -> Tensor | None:
    return module._parameters.get("weight")


def _named(key: str, wanted: Sequence[str], modules: dict[str, nn.Module]) -> set[str]:
    """Returns the dotted paths that are, or end in, one of the wanted names.

    Raises:
        ParamsError: naming a name without a path, and some that have one.
    """
    found = set()
    for name in wanted:
        paths = {path for path in modules if path == name or path.endswith(f".{name}")}
        if not paths:
            known = {path.rpartition(".")[2] for path in modules}
            shown = ", ".join(sorted(each for each in known if each and not each.isdigit())[:12])
            raise ParamsError(f"lora.{key}: the language model has no {name!r}; it has {shown}")
        found |= paths
    return found
