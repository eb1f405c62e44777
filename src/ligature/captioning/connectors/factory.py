"""Connectors by their configs, with initial weights of their own and of the language model."""

from torch import Tensor

from ligature.captioning.connectors.align import AlignConnector
from ligature.captioning.connectors.base import Connector
from ligature.captioning.connectors.config import ConnectorConfig
from ligature.captioning.connectors.h_reducer import HReducerConnector
from ligature.captioning.connectors.mapping import LinearConnector, MLPConnector
from ligature.captioning.connectors.perceiver import PerceiverConnector
from ligature.captioning.connectors.visual_table import VisualTableConnector
from ligature.errors import ParamsError

_KINDS: dict[str, type[Connector]] = {
    "align": AlignConnector,
    "linear": LinearConnector,
    "mlp": MLPConnector,
    "pixel-shuffle": LinearConnector,
    "perceiver": PerceiverConnector,
    "visual-table": VisualTableConnector,
    "h-reducer": HReducerConnector,
}


def build_connector(config: ConnectorConfig) -> Connector:
    """Returns a connector whose weights are to be loaded; ``make_connector`` gives one to be trained."""
    return _KINDS[config.kind](config)


def make_connector(
    config: ConnectorConfig, *, embeddings: Tensor, head: Tensor | None, kept: Tensor | None = None
) -> Connector:
    """Returns a connector to be trained; what is random is drawn from torch's global generator.

    Args:
        config: its kind and sizes.
        embeddings: the language model's embedding table [V, D].
        head: the language model's head [V, D], the embeddings themselves where they are tied, None where it has none.
        kept: ids [pruned] of the tokens that a pruned ALIGN mixes, in ascending order; None for all others.

    Raises:
        ParamsError: if the model has not the sizes of the config, has no head where the config starts from it, or if
            the tokens kept are not those that the config speaks of.
    """
    wanted = [config.vocabulary, config.language_width]
    for name, table in (("embeddings", embeddings), ("head", head)):
        if table is not None and list(table.shape) != wanted:
            raise ParamsError(
                f"the language model's {name} are {list(table.shape)}, the connector is made for {wanted}"
            )
    if config.kind == "align" and config.head_init and head is None:
        raise ParamsError("head_init: the language model has no head to start from; set head_init to false")
    check_kept(config, kept)
    connector = build_connector(config)
    connector.initialise(embeddings.detach(), None if head is None else head.detach(), kept)
    return connector


def check_kept(config: ConnectorConfig, kept: Tensor | None) -> None:
    """Checks the ids of the tokens that a pruned connector keeps; None for all others.

    Raises:
        ParamsError: if they are not those that the config speaks of.
    """
    if (kept is None) != (config.pruned is None):
        raise ParamsError(f"pruned is {config.pruned}: the tokens kept go with a pruned connector, and only with it")
    if kept is None:
        return
    if kept.ndim != 1 or len(kept) != config.pruned:
        raise ParamsError(f"pruned is {config.pruned}, but {kept.numel()} tokens are kept")
    if (kept.diff() <= 0).any() or kept[0] < 0 or kept[-1] >= config.vocabulary:
        raise ParamsError(f"the tokens kept are not ascending ids below {config.vocabulary}")
