"""What a submodule gives in a model's forward pass, taken in place of the model's own output."""

from difflib import get_close_matches
from typing import Any

from torch import Tensor, nn

from ligature.errors import EncoderError


class Tap:
    """Keeps the states of one submodule from a forward pass, which runs to its end.

    Of a submodule that is called more than once in a pass, the last call counts.

    Args:
        model: that holds the submodule.
        path: of the submodule within the model, dotted.
        name: of the encoder, for errors.

    Raises:
        EncoderError: naming the path and a few like it, when there is no such submodule.
    """

    def __init__(self, model: nn.Module, path: str, name: str) -> None:
        """Finds the submodule and hooks it."""
        modules = dict(model.named_modules(remove_duplicate=False))
        if path not in modules:
            near = ", ".join(get_close_matches(path, filter(None, modules), n=4, cutoff=0))
            raise EncoderError(f"encoder {name!r}: its model has no module {path!r}; it has, for example, {near}")
        self._where = f"encoder {name!r}: module {path!r}"
        self._output: Any = None
        modules[path].register_forward_hook(self._keep)

    def _keep(self, _module: nn.Module, _inputs: Any, output: Any) -> None:
        self._output = output

    def take(self, pixels: Tensor, own: Any = None) -> Tensor:
        """Returns the states of the last forward pass, [b, t, d] tokens or a [b, d, h, w] map, and forgets them.

        Args:
            pixels: [b, 3, height, width] that the model encoded.
            own: the model's own output, where its tokens begin with others than patches; the submodule's tokens must
                then be as many, since they are told apart by their place.

        Raises:
            EncoderError: when the submodule was not called, or gave nothing of the kind.
        """
        output, self._output = self._output, None
        if output is None:
            raise EncoderError(f"{self._where} gives nothing when images are encoded; name another module")
        states = first_states(output)
        if states is None or states.dim() not in (3, 4) or len(states) != len(pixels):
            kind = type(output).__name__ if states is None else f"a tensor of shape {list(states.shape)}"
            raise EncoderError(f"{self._where} gives {kind}, no tokens or map of every image; name another module")
        if own is not None and states.shape[:-1] != own.last_hidden_state.shape[:-1]:
            raise EncoderError(
                f"{self._where} gives other tokens than the model, whose first is no patch; name another"
            )
        return channels_first(states, pixels) if states.dim() == 4 else states


def first_states(output: Any) -> Tensor | None:
    """Returns the tensor of states in what a module gave, or None where there is none.

    That is the tensor itself; ``last_hidden_state`` or the last of ``feature_maps`` of a model's output; what the first
    part of a tuple holds (the others are masks and attentions); what the last part of a list holds (its deepest level).
    """
    if isinstance(output, Tensor):
        return output
    if isinstance(output, dict):
        return first_states(output.get("last_hidden_state", list(output.get("feature_maps", ()))))
    if isinstance(output, tuple | list) and output:
        return first_states(output[0 if isinstance(output, tuple) else -1])
    return None


def channels_first(states: Tensor, pixels: Tensor) -> Tensor:
    """Returns a map as [b, d, h, w], whether it came so or as [b, h, w, d].

    The two sides of a map are in proportion to those of the image; a map as wide as it has channels counts as
    [b, d, h, w] already.

    Args:
        states: [b, d, h, w] or [b, h, w, d].
        pixels: [b, 3, height, width] that it came from.
    """
    (height, width), (first, second, third) = pixels.shape[2:], states.shape[1:]
    if abs(first * width - second * height) < abs(second * width - third * height):
        return states.permute(0, 3, 1, 2)
    return states
