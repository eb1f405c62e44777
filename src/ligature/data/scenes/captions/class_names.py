"""The names of the classes in every language but English, with the words of the captions."""

from ligature.data.scenes.captions.french import french_class_name
from ligature.data.scenes.captions.german import german_class_name
from ligature.data.scenes.captions.japanese import japanese_class_name
from ligature.data.scenes.captions.russian import russian_class_name
from ligature.data.scenes.vocabulary import COLOURS, SHAPES

_NAMES = {
    "de": german_class_name,
    "fr": french_class_name,
    "ja": japanese_class_name,
    "ru": russian_class_name,
}


def translated_class_names() -> dict[str, tuple[str, ...]]:
    """Returns the names by language, each in the order of ``class_names``: colour and shape, without article."""
    return {
        language: tuple(name(colour, shape) for shape in SHAPES for colour in COLOURS)
        for language, name in _NAMES.items()
    }
