"""Captions and descriptions of scenes, in five languages."""

from ligature.data.scenes.captions.english import english_captions
from ligature.data.scenes.captions.long import long_description
from ligature.data.scenes.captions.translations import LANGUAGES, translations

__all__ = ["LANGUAGES", "english_captions", "long_description", "translations"]
