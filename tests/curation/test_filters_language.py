import numpy as np
import pytest

from ligature.curation.filters import MARGIN, RIVALS, in_languages
from ligature.data.scenes import sample_scene
from ligature.data.scenes.captions import LANGUAGES, english_captions, translations
from ligature.errors import ParamsError

SCENES = [sample_scene(np.random.default_rng(seed)) for seed in range(60)]
CAPTIONS = {language: [] for language in LANGUAGES}
for scene in SCENES:
    for language, caption in translations(scene, seed=0).items():
        CAPTIONS[language].append(caption)


def share_passed(captions, languages):
    return in_languages(np.array(captions, dtype=object), languages).mean()


@pytest.fixture(scope="module")
def likelihoods():
    """Returns a function from a caption to the likelihoods of all rivals, from the library's own ranking."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(RIVALS)
    return lambda caption: dict(identifier.rank(caption))


@pytest.mark.parametrize("wanted", LANGUAGES)
def test_captions_of_the_language_wanted_pass_and_others_do_not(wanted):
    assert share_passed(CAPTIONS[wanted], [wanted]) == 1
    for other in set(LANGUAGES) - {wanted}:
        assert share_passed(CAPTIONS[other], [wanted]) <= 0.05


def test_captions_of_any_of_the_languages_wanted_pass():
    assert share_passed(CAPTIONS["en"] + CAPTIONS["ja"], ["en", "ja"]) == 1
    assert share_passed(CAPTIONS["de"] + CAPTIONS["ru"], ["en", "ja"]) == 0


def test_english_captions_pass_and_so_do_their_first_words():
    captions = [caption for scene in SCENES for caption in english_captions(scene, seed=0)]
    assert share_passed(captions, ["en"]) == 1
    assert share_passed([" ".join(caption.split()[:2]) for caption in captions], ["en"]) >= 0.99


@pytest.mark.parametrize("caption", ["logo", "banner", "portrait", "dog", "Nike Air Max 90", "hotel Paris", "Photo 1"])
def test_a_few_nouns_pass_although_the_likeliest_language_is_another(likelihoods, caption):
    found = likelihoods(caption)
    assert max(found, key=found.get) != "en"
    assert share_passed([caption], ["en"]) == 1


@pytest.mark.parametrize("caption", ["", "12345", "!!!", "\U0001f431\U0001f431"])
def test_a_caption_without_letters_passes(caption):
    assert share_passed([caption], ["en"]) == 1


def test_the_margin_decides(likelihoods):
    captions = ["Pizza margherita", "piano", "Chicken tikka masala recipe", *CAPTIONS["fr"][:5], *CAPTIONS["en"][:5]]
    for caption in captions:
        found = likelihoods(caption)
        assert share_passed([caption], ["en"]) == (max(found.values()) <= MARGIN * found["en"])


def test_equal_captions_are_looked_at_once(monkeypatch):
    from py3langid.langid import LanguageIdentifier

    seen, plain = [], LanguageIdentifier.rank
    monkeypatch.setattr(LanguageIdentifier, "rank", lambda self, text: seen.append(text) or plain(self, text))
    captions = np.array(["a cat on a mat", "Ein Hund und eine Katze", "a cat on a mat"], dtype=object)
    assert in_languages(captions, ["en"]).tolist() == [True, False, True]
    assert len(seen) == 2


def test_a_language_beyond_the_common_ones_can_be_wanted():
    assert "cy" not in RIVALS
    assert share_passed(["Mae'r gath yn eistedd ar y mat yn y gegin"], ["cy"]) == 1
    assert share_passed(["The cat is sitting on the mat in the kitchen"], ["cy"]) == 0


@pytest.mark.parametrize(("languages", "named"), [(["en", "xx"], "'xx'"), ([], "the empty list")])
def test_a_language_that_cannot_be_told_is_one_line(languages, named):
    with pytest.raises(ParamsError) as caught:
        in_languages(np.array(["a cat"], dtype=object), languages)
    assert str(caught.value).startswith("filters.languages: ")
    assert named in str(caught.value)
    assert "choose of " in str(caught.value)
    assert "\n" not in str(caught.value)
