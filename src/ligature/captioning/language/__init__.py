"""The language model of a captioning model: loading it, and low-rank adapters on it."""

from ligature.captioning.language.adapters import LoraSettings, add_lora, merge_lora
from ligature.captioning.language.loading import (
    Language,
    embedding_table,
    head_weights,
    load_language,
    load_language_tokenizer,
)

__all__ = [
    "Language",
    "LoraSettings",
    "add_lora",
    "embedding_table",
    "head_weights",
    "load_language",
    "load_language_tokenizer",
    "merge_lora",
]
