"""Prompts of labelled data sets: class names, template sets, sentences a class, other languages."""

from ligature.data.prompts.builtin import builtin_templates
from ligature.data.prompts.class_names import names_of, read_class_names
from ligature.data.prompts.sentences import read_sentences
from ligature.data.prompts.table import prompt_table, read_prompts, variant_of

__all__ = [
    "builtin_templates",
    "names_of",
    "prompt_table",
    "read_class_names",
    "read_prompts",
    "read_sentences",
    "variant_of",
]
