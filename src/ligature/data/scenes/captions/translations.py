"""One caption in several languages, all saying the same."""

from ligature.data.scenes.captions.english import realise_english
from ligature.data.scenes.captions.french import realise_french
from ligature.data.scenes.captions.german import realise_german
from ligature.data.scenes.captions.japanese import realise_japanese
from ligature.data.scenes.captions.plan import draw_plan, word_rng
from ligature.data.scenes.captions.russian import realise_russian
from ligature.data.scenes.scene import Scene

_REALISERS = {
    "en": realise_english,
    "de": realise_german,
    "fr": realise_french,
    "ja": realise_japanese,
    "ru": realise_russian,
}

LANGUAGES = tuple(_REALISERS)
"""Language codes of ``translations``."""


def translations(scene: Scene, *, seed: int) -> dict[str, str]:
    """Returns one caption in every language of ``LANGUAGES``, each saying the same of the scene."""
    plan = draw_plan(scene, word_rng(scene, seed, "translations"))
    return {language: realise(plan, word_rng(scene, seed, language)) for language, realise in _REALISERS.items()}
