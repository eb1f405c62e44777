"""What a vision-language model is made of beside its weights: its connector, and the chat around an image."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, get_args

from ligature.captioning.connectors.config import ConnectorConfig
from ligature.errors import ParamsError

Assembly = Literal["prefix", "in-place"]
Labelled = Literal["answer", "all"]

_SHORTEST = 16


@dataclass(frozen=True)
class ChatSettings:
    """How an image and its caption become one row of tokens.

    Attributes:
        assembly: ``prefix`` puts all visual tokens in front of the text, as AlignVLM does (arXiv 2502.01341);
            ``in-place`` where the chat has images, as SmolVLM does.
        system: system message; None for none.
        prompts: what the user may ask; empty for the image alone.
        tiles: most tiles of an image beside the whole.
        context_length: longest sample in tokens, visual ones included.
        loss: whether the loss is on the ``answer`` only, or on ``all`` of the text.

    Raises:
        ParamsError: for a value of another type or out of range.
    """

    assembly: Assembly = "prefix"
    system: str | None = None
    prompts: tuple[str, ...] = ()
    tiles: int = 0
    context_length: int = 512
    loss: Labelled = "answer"

    def __post_init__(self) -> None:
        """Checks every value."""
        _check_choice("assembly", self.assembly, get_args(Assembly))
        _check_choice("loss", self.loss, get_args(Labelled))
        _check_integer("tiles", self.tiles, 0)
        _check_integer("context_length", self.context_length, _SHORTEST)
        if not (self.system is None or isinstance(self.system, str)):
            raise ParamsError(f"chat: system is {self.system!r:.60}; use a text, or none")
        if not isinstance(self.prompts, tuple) or not all(isinstance(prompt, str) for prompt in self.prompts):
            raise ParamsError(f"chat: prompts is {self.prompts!r:.60}; use a list of texts")


@dataclass(frozen=True)
class VisionLanguageConfig:
    """The assembly of a ``VisionLanguageModel``.

    Attributes:
        connector: from vision tokens to inputs of the language model.
        chat: around an image.
    """

    connector: ConnectorConfig
    chat: ChatSettings = field(default_factory=ChatSettings)

    def to_dict(self) -> dict[str, Any]:
        """Returns the values as JSON has them."""
        chat = asdict(self.chat) | {"prompts": list(self.chat.prompts)}
        return {"connector": self.connector.to_dict(), "chat": chat}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "VisionLanguageConfig":
        """Returns the config of ``to_dict``.

        Raises:
            ParamsError: for an unknown or a missing key, and for values that no model can have.
        """
        if not isinstance(values, Mapping) or not {"connector", "chat"} <= set(values):
            raise ParamsError("a config needs the keys connector and chat")
        for key in ("connector", "chat"):
            if not isinstance(values[key], Mapping):
                raise ParamsError(f"{key} is {values[key]!r:.60}; use an object")
        chat, known = dict(values["chat"]), [each.name for each in fields(ChatSettings)]
        if unknown := sorted(set(chat) - set(known)):
            raise ParamsError(f"chat: unknown key {unknown[0]!r:.60}; known: {', '.join(known)}")
        if isinstance(chat.get("prompts"), list):
            chat["prompts"] = tuple(chat["prompts"])
        return cls(ConnectorConfig.from_dict(values["connector"]), ChatSettings(**chat))


def _check_choice(key: str, value: Any, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ParamsError(f"chat: {key} is {value!r:.60}; use one of {', '.join(choices)}")


def _check_integer(key: str, value: Any, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ParamsError(f"chat: {key} is {value!r:.60}; use a whole number from {least} on")
