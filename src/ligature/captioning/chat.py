"""An image, what is asked and its caption as one row of tokens, by the tokenizer's chat template where it has one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, repeat
from typing import TYPE_CHECKING

from ligature.captioning.config import ChatSettings
from ligature.captioning.template import CAPTION, PICTURE, PROMPT, SYSTEM, Template
from ligature.errors import DataError, EncoderError, ParamsError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

IMAGE = -1
"""Placeholder of a visual token in rows of ids: no id of a vocabulary, so no text can fake one."""

IGNORED = -100
"""Label of positions without loss."""

Shape = tuple[int, int]
"""Rows and columns of an image's tiles; (0, 0) for the whole image alone."""

FAKE, GLOBAL, TILE = "<fake_token_around_image>", "<global-img>", "<row_{}_col_{}>"
"""SmolVLM's marks around views, of the whole image and of a tile."""


def views_of(shape: Shape) -> int:
    """Returns the number of views of an image: its tiles and the whole."""
    return shape[0] * shape[1] + 1


@dataclass(frozen=True)
class Rendered:
    """One sample.

    Attributes:
        tokens: ids, with ``IMAGE`` for every visual token.
        labels: the same ids where the loss is, ``IGNORED`` elsewhere.
        views: number of views of every image, in order.
        cut: whether the caption was cut.
    """

    tokens: list[int]
    labels: list[int]
    views: list[int]
    cut: bool


class Chat:
    """Writes samples for one tokenizer. Special tokens that a text spells out are plain text.

    With ``prefix`` all visual tokens stand in front, after the start token only. With ``in-place`` every picture stands
    where the chat has it, between SmolVLM's marks where the vocabulary has them.

    Attributes:
        tokenizer: of the language model.
        settings: of the chat.
        tokens_per_view: visual tokens of a view, T'.
        end_token: id that closes an answer.
    """

    def __init__(self, tokenizer: "PreTrainedTokenizerBase", settings: ChatSettings, tokens_per_view: int) -> None:
        """Takes the tokenizer, and tries its template.

        Raises:
            EncoderError: the tokenizer has no end token, or its template cannot write the chat.
        """
        if tokenizer.eos_token_id is None:
            raise EncoderError("the tokenizer has no end token, so no caption would ever end; choose another model")
        self.tokenizer, self.settings, self.tokens_per_view = tokenizer, settings, tokens_per_view
        self._template = Template(tokenizer, settings)
        self._control = self._template.control
        self.end_token = self._id(self._template.skeleton(0, 1).answer[-1])

    def render(
        self,
        images: Sequence[Shape],
        caption: str | None,
        *,
        prompt: int | str = 0,
        examples: Sequence[tuple[Shape, str]] = (),
    ) -> Rendered:
        """Returns a sample; one without a caption ends where the answer begins.

        Args:
            images: shapes of the images that are asked about.
            caption: the answer; cut, its end token kept, where it does not fit. None to have it generated.
            prompt: number of one of the prompts, which is ignored where there are none, or a text of its own.
            examples: shape and caption of every image that is shown, with its caption, before.

        Raises:
            DataError: a caption is empty.
            ParamsError: the visual tokens and the rest of the chat leave no room for an answer.
        """
        skeleton = self._template.skeleton(len(examples), len(images))
        shapes = [*(shape for shape, _ in examples), *images]
        captions = [_checked(text) for _, text in examples]
        row = self._with_prefix(self._filled(skeleton.opening, shapes, self._asked(prompt), captions), shapes)
        room = self._room(row)
        everything = self.settings.loss == "all"
        labels = [token if everything and is_text else IGNORED for token, is_text in row]
        labels[:1] = [IGNORED]  # nothing stands before it that could foretell it
        answer = []
        if caption is not None:
            answer = [token for token, _ in self._filled(skeleton.answer, (), "", [_checked(caption)])]
        cut = len(answer) > room
        if cut:
            answer = [*answer[: room - 1], answer[-1]]
        tokens = [token for token, _ in row]
        return Rendered(tokens + answer, labels + answer, [views_of(shape) for shape in shapes], cut)

    def decode(self, tokens: Sequence[int]) -> str:
        """Returns the text of generated tokens, without special tokens and space around it."""
        return self.tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False).strip()

    def _asked(self, prompt: int | str) -> str:
        if isinstance(prompt, int):
            prompt = self.settings.prompts[prompt] if self.settings.prompts else ""
        return self._template.prompt(prompt.strip())

    def _filled(
        self, pieces: Iterable[str], shapes: Iterable[Shape], asked: str, captions: Iterable[str]
    ) -> list[tuple[int, bool]]:
        """Returns the ids of a skeleton with its parts, and whether they are of text or of a picture.

        Neighbouring texts are one run, whoever wrote them, so that the tokens are those of the text as a whole.
        """
        texts = {SYSTEM: repeat(self.settings.system), PROMPT: repeat(asked), CAPTION: iter(captions)}
        shapes, row = iter(shapes), []
        for is_text, group in groupby(
            pieces, key=lambda piece: piece != PICTURE and piece.strip() not in self._control
        ):
            if is_text:
                run = "".join(next(texts[piece]) if piece in texts else piece for piece in group)
                row += [(token, True) for token in self._ids(run)]
                continue
            for piece in group:
                picture = piece == PICTURE
                row += [
                    (token, not picture) for token in (self._picture(next(shapes)) if picture else [self._id(piece)])
                ]
        return row

    def _with_prefix(self, row: list[tuple[int, bool]], shapes: Sequence[Shape]) -> list[tuple[int, bool]]:
        """Puts all visual tokens behind the start token, where they stand in front of the text."""
        if self.settings.assembly != "prefix":
            return row
        start = int(bool(row) and row[0][0] == self.tokenizer.bos_token_id)
        visual = sum(map(views_of, shapes)) * self.tokens_per_view
        return [*row[:start], *[(IMAGE, False)] * visual, *row[start:]]

    def _picture(self, shape: Shape) -> list[int]:
        """Returns the block of a picture as SmolVLM's processor writes it; marks that are no tokens are left out."""
        rows, columns = shape
        view, block = [IMAGE] * self.tokens_per_view, []
        for row in range(1, rows + 1):
            for column in range(1, columns + 1):
                block += [*self._mark(FAKE), *self._mark(TILE.format(row, column)), *view]
            if FAKE in self._control:
                block += self._ids("\n" if row < rows else "\n\n")
        return [*block, *self._mark(FAKE), *self._mark(GLOBAL), *view, *self._mark(FAKE)]

    def _mark(self, token: str) -> list[int]:
        return [self._control[token]] if token in self._control else []

    def _id(self, piece: str) -> int:
        return self._control[piece.strip()]

    def _ids(self, text: str) -> list[int]:
        """Returns the ids of plain text; a lone surrogate, which is no character, becomes a question mark."""
        text = text.encode("utf-8", "replace").decode("utf-8")
        return self.tokenizer(text, add_special_tokens=False, split_special_tokens=True, verbose=False)["input_ids"]

    def _room(self, row: Sequence[tuple[int, bool]]) -> int:
        """Returns how many tokens an answer may have."""
        room = self.settings.context_length - len(row)
        if room < 2:
            visual = sum(token == IMAGE for token, _ in row)
            raise ParamsError(
                f"{visual} visual tokens and {len(row) - visual} others of the chat leave no room for a caption in "
                f"context_length {self.settings.context_length}; raise it, or use fewer visual tokens or examples"
            )
        return room


def _checked(caption: str) -> str:
    caption = caption.strip()
    if not caption:
        raise DataError("a caption is empty; leave its image out")
    return caption
