"""The fixed part of a chat: what a chat template, or the plain form, puts around the parts of a sample."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ligature.captioning.config import ChatSettings
from ligature.encoders.source import first_line
from ligature.errors import EncoderError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

SYSTEM, PICTURE, PROMPT, CAPTION = (f"\ue000{name}\ue001" for name in ("system", "picture", "prompt", "caption"))
"""Where a chat has its parts. A template is given these marks alone, never the texts themselves."""

DATE = "26 Jul 2024"
"""For templates that tell one; Llama 3.2's own default, so that a row of tokens does not depend on the day."""


@dataclass(frozen=True)
class Skeleton:
    """A chat in pieces: marks of its parts, control tokens (with the space that they swallow), and texts between.

    Attributes:
        opening: all in front of the answer, from which it is generated.
        answer: the answer, up to the control token that ends it.
    """

    opening: list[str]
    answer: list[str]


class Template:
    """Writes skeletons.

    Without a template of the tokenizer's own a chat is the start token, the system message on a line, and for every
    example and then for the image itself picture, prompt and caption, a new line after each; the end token closes the
    last caption.

    Attributes:
        control: ids of all tokens that only a template may write, by their text.
    """

    def __init__(self, tokenizer: "PreTrainedTokenizerBase", settings: ChatSettings) -> None:
        """Takes the tokenizer and what the chat holds."""
        self._tokenizer, self._settings = tokenizer, settings
        self._pictures = settings.assembly == "in-place"
        added = {token.content: (id_, token) for id_, token in tokenizer.added_tokens_decoder.items()}
        self.control = {text: id_ for text, (id_, _) in added.items() if text.strip() == text != ""}
        patterns = [
            (r"\s*" if added[text][1].lstrip else "") + re.escape(text) + (r"\s*" if added[text][1].rstrip else "")
            for text in sorted(self.control, key=len, reverse=True)
        ]
        self._control = re.compile("|".join(patterns) or "(?!)")
        self._split = re.compile("|".join(["(\ue000[a-z]+\ue001", *patterns]) + ")")
        self._skeletons: dict[tuple[int, int], Skeleton] = {}

    def skeleton(self, examples: int, images: int) -> Skeleton:
        """Returns the chat of so many examples, of one picture each, and of an image that is ``images`` pictures.

        Raises:
            EncoderError: the tokenizer's template cannot write it.
        """
        key = examples, images
        if key not in self._skeletons:
            texts = self._written([1] * examples + [images])
            self._skeletons[key] = Skeleton(*([piece for piece in self._split.split(text) if piece] for text in texts))
        return self._skeletons[key]

    def prompt(self, text: str) -> str:
        """Returns what stands at the mark of a prompt: the text, with a line of its own where there is no template."""
        return text + "\n" if text and self._tokenizer.chat_template is None else text

    def _written(self, pictures: Sequence[int]) -> tuple[str, str]:
        """Returns opening and answer.

        Where the template opens an answer without the space that it puts in front of it, that space belongs to the
        answer, so that generation starts from the very tokens of training.
        """
        eos = self._tokenizer.eos_token
        if self._tokenizer.chat_template is None:
            return self._plain(pictures), CAPTION + eos
        whole, opening = self._by_template(pictures, answered=True), self._by_template(pictures, answered=False)
        before, after = whole.rsplit(CAPTION, 1)
        if not before.startswith(opening) or before[len(opening) :].strip():
            opening = before
        end = self._control.search(after)
        return opening, before[len(opening) :] + CAPTION + (after[: end.end()] if end else eos)

    def _plain(self, pictures: Sequence[int]) -> str:
        system = SYSTEM + "\n" if self._settings.system else ""
        turns = [PICTURE * (count * self._pictures) + PROMPT for count in pictures]
        return (self._tokenizer.bos_token or "") + system + f"{CAPTION}\n".join(turns)

    def _by_template(self, pictures: Sequence[int], answered: bool) -> str:
        """Returns what the template writes of the first form of messages of which it loses nothing."""
        wanted = {PROMPT: len(pictures), CAPTION: len(pictures) - (not answered), SYSTEM: bool(self._settings.system)}
        wanted[PICTURE] = sum(pictures) * self._pictures
        image_token = getattr(self._tokenizer, "image_token", None) or "<image>"
        reason = "parts are missing from what it writes"
        for form in ("entries", "text", "list") if self._pictures else ("text", "list"):
            try:
                written = self._tokenizer.apply_chat_template(
                    self._messages(pictures, answered, form),
                    tokenize=False,
                    add_generation_prompt=not answered,
                    date_string=DATE,
                )
            except Exception as error:  # whatever a template raises
                reason = first_line(error)
                continue
            written = written.replace(image_token, PICTURE) if form == "entries" else written
            if all(written.count(mark) == count for mark, count in wanted.items()):
                return written
        raise EncoderError(
            f"the tokenizer's chat template cannot write this chat ({reason}); "
            "change system or assembly, or choose another model"
        )

    def _messages(self, pictures: Sequence[int], answered: bool, form: str) -> list[dict[str, Any]]:
        """Returns the messages, with pictures as entries, or as marks in contents that are texts or lists of one."""

        def content(text: str, count: int = 0) -> str | list[dict[str, str]]:
            if form == "entries":
                return [*({"type": "image"} for _ in range(count)), {"type": "text", "text": text}]
            text = PICTURE * count + text
            return text if form == "text" else [{"type": "text", "text": text}]

        messages = [{"role": "system", "content": content(SYSTEM)}] if self._settings.system else []
        for count in pictures:
            messages.append({"role": "user", "content": content(PROMPT, count * self._pictures)})
            messages.append({"role": "assistant", "content": content(CAPTION)})
        return messages if answered else messages[:-1]
