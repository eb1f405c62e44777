import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scene_strategies import FirstWords, few, scenes

from ligature.data.scenes import LANGUAGES, class_names, translations
from ligature.data.scenes.captions import french, german, japanese, russian
from ligature.data.scenes.captions.class_names import translated_class_names
from ligature.data.scenes.captions.plan import Mention, Plan
from ligature.data.scenes.scene import SceneObject
from ligature.data.scenes.vocabulary import BACKGROUNDS, COLOURS, FILLS, PLACES, SHAPES, SIZES

MODULES = {"de": german, "fr": french, "ja": japanese, "ru": russian}
seeds = st.integers(0, 10**6)
MASCULINE, FEMININE, NEUTER = "circle", "star", "heart"


def mention(shape, colour="red", size="large", fill="solid", place="top left", *, said=("size", "fill", "colour")):
    return Mention(SceneObject(shape, colour, size, fill, place), **dict.fromkeys(said, True))


def forms(language, table, value):
    """Every form in which a word of a table can stand in a sentence."""
    words = getattr(MODULES[language], table).get(value, ())
    if language == "de" and table == "SHAPES":
        return {noun for noun, _ in words} | ({"Herzen"} if value == "heart" else set())
    if language == "de":
        return {word + ending for word in words for ending in ("e", "er", "es", "en")}
    if language == "fr" and table == "SHAPES":
        return {noun for noun, _ in words}
    if language == "fr":
        return {form for pair in words for form in pair}
    if language == "ru" and table == "SHAPES":
        return {form for word in words for form in word[:3]}
    if language == "ru":
        genders, cases = "mfn", russian._CASES
        return {
            form
            for word in words
            for form in ([word] if " " in word else [russian.decline(word, g, c) for g in genders for c in cases])
        }
    return set(words)


def values_said(language, text, table, vocabulary):
    """The values whose words stand in ``text``, in order; longer words hide the shorter ones in them."""
    meanings = {form: value for value in vocabulary for form in forms(language, table, value)}
    longest_first = sorted(map(re.escape, meanings), key=len, reverse=True)
    edges = ("", "") if language == "ja" else (r"(?<![\w-])", r"(?![\w-])")
    return [meanings[match] for match in re.findall(f"{edges[0]}({'|'.join(longest_first)}){edges[1]}", text)]


def without_background(language, text, scene):
    start = text[0].lower() + text[1:]
    for phrase in sorted(MODULES[language].BACKGROUNDS[scene.background], key=len, reverse=True):
        start = start.replace(phrase, " ")
    return start


@pytest.mark.parametrize("language", MODULES)
def test_tables_cover_the_vocabulary(language):
    module = MODULES[language]
    for table, vocabulary in (("SHAPES", SHAPES), ("COLOURS", COLOURS), ("PLACES", PLACES), ("FILLS", FILLS)):
        assert set(getattr(module, table)) == set(vocabulary)
    assert set(module.BACKGROUNDS) == set(BACKGROUNDS)
    assert set(module.SIZES) | ({"medium"} if language == "fr" else set()) == set(SIZES)


@few
@given(scene=scenes, seed=seeds)
def test_every_language_speaks_of_the_same_objects_and_of_no_others(scene, seed):
    texts = translations(scene, seed=seed)
    counts = set()
    for language in MODULES:
        text = without_background(language, texts[language], scene)
        shapes = values_said(language, text, "SHAPES", SHAPES)
        counts.add(len(shapes))
        assert set(shapes) <= {item.shape for item in scene.objects}, texts[language]
        for table, vocabulary, field in (("COLOURS", COLOURS, "colour"), ("SIZES", SIZES, "size")):
            said = values_said(language, text, table, vocabulary)
            assert set(said) <= {getattr(item, field) for item in scene.objects}, texts[language]
    assert len(counts) == 1
    assert counts <= {len(scene.objects), max(len(scene.objects) - 1, 1)}


@few
@given(scene=scenes, seed=seeds)
def test_scripts_and_punctuation(scene, seed):
    texts = translations(scene, seed=seed)
    assert tuple(texts) == LANGUAGES
    for language, text in texts.items():
        assert "  " not in text
        assert text == text.strip()
        if language == "ja":
            assert re.fullmatch(r"[\u3040-\u30ff\u4e00-\u9fff、。ー]+", text), text
            assert text.endswith("。")
        elif language == "ru":
            assert re.fullmatch(r"[А-Яа-яЁё ,.\-]+", text), text
        else:
            assert re.fullmatch(r"[A-Za-zÀ-ÿœŒß ,.;:'\-]+", text), text


@few
@given(scene=scenes, seed=seeds)
def test_translations_repeat_for_one_seed(scene, seed):
    assert translations(scene, seed=seed) == translations(scene, seed=seed)


@pytest.mark.parametrize(
    ("shape", "case", "expected"),
    [
        (MASCULINE, "nominative", "ein großer einfarbiger roter Kreis"),
        (MASCULINE, "accusative", "einen großen einfarbigen roten Kreis"),
        (MASCULINE, "dative", "einem großen einfarbigen roten Kreis"),
        ("diamond", "nominative", "eine große einfarbige rote Raute"),
        ("diamond", "accusative", "eine große einfarbige rote Raute"),
        ("diamond", "dative", "einer großen einfarbigen roten Raute"),
        (NEUTER, "nominative", "ein großes einfarbiges rotes Herz"),
        (NEUTER, "accusative", "ein großes einfarbiges rotes Herz"),
        (NEUTER, "dative", "einem großen einfarbigen roten Herzen"),
    ],
)
def test_german_declension(shape, case, expected):
    assert german.german_phrase(mention(shape), case, FirstWords()) == expected


@few
@given(scene=scenes, seed=seeds)
def test_german_articles_adjectives_and_nouns_agree(scene, seed):
    genders = {noun: gender for words in german.SHAPES.values() for noun, gender in words} | {"Herzen": "n"}
    allowed = {("ein", "er", "m"), ("ein", "es", "n"), ("eine", "e", "f"), ("einen", "en", "m")}
    allowed |= {("einem", "en", "m"), ("einem", "en", "n"), ("einer", "en", "f")}
    adverbs = {"hell", "schräg", "leuchtend"}
    text = without_background("de", translations(scene, seed=seed)["de"], scene)
    for article, middle, noun in re.findall(r"\b([Ee]in(?:e|en|em|er)?) ((?:[a-zäöüß]+ )*)([A-ZÄÖÜ]\w+)", text):
        for adjective in set(middle.split()) - adverbs:
            ending = re.search("e[rns]?$", adjective).group()
            assert (article.lower(), ending, genders[noun]) in allowed, text


@pytest.mark.parametrize(
    ("shape", "colour", "size", "fill", "expected"),
    [
        (MASCULINE, "green", "large", "solid", "un grand cercle vert uni"),
        (FEMININE, "green", "large", "solid", "une grande étoile verte unie"),
        (FEMININE, "purple", "small", "striped", "une petite étoile violette rayée"),
        ("arrow", "orange", "medium", "dotted", "une flèche orange à pois de taille moyenne"),
        ("cross", "blue", "medium", "outlined", "une croix bleue à l'intérieur pâle de taille moyenne"),
    ],
)
def test_french_agreement(shape, colour, size, fill, expected):
    assert french.french_phrase(mention(shape, colour, size, fill), FirstWords()) == expected


@few
@given(scene=scenes, seed=seeds)
def test_french_articles_agree_with_their_nouns(scene, seed):
    text = translations(scene, seed=seed)["fr"].lower()
    nouns = {noun: gender for words in french.SHAPES.values() for noun, gender in words}
    pattern = rf"\b(une?) (?:(?:{'|'.join(sorted(forms('fr', 'SIZES', 'small') | forms('fr', 'SIZES', 'large')))}) )?"
    found = re.findall(pattern + rf"({'|'.join(nouns)})\b", text)
    assert found
    for article, noun in found:
        assert article == {"m": "un", "f": "une"}[nouns[noun]]
    assert not re.search(r"\bde une?\b|\ble [aeiouéœ]", text)


@pytest.mark.parametrize(
    ("adjective", "expected"),
    [
        ("красный", "красный красная красное красного красной красным"),
        ("синий", "синий синяя синее синего синей синим"),
        ("маленький", "маленький маленькая маленькое маленького маленькой маленьким"),
        ("большой", "большой большая большое большого большой большим"),
        ("ярко-синий", "ярко-синий ярко-синяя ярко-синее ярко-синего ярко-синей ярко-синим"),
    ],
)
def test_russian_declension(adjective, expected):
    wanted = [("m", 0), ("f", 0), ("n", 0), ("m", 1), ("f", 1), ("n", 2)]
    assert " ".join(russian.decline(adjective, gender, russian._CASES[case]) for gender, case in wanted) == expected


@pytest.mark.parametrize(
    ("shape", "case", "expected"),
    [
        (MASCULINE, "nominative", "большой закрашенный красный круг"),
        (FEMININE, "nominative", "большая закрашенная красная звезда"),
        (NEUTER, "nominative", "большое закрашенное красное сердце"),
        (MASCULINE, "genitive", "большого закрашенного красного круга"),
        (FEMININE, "genitive", "большой закрашенной красной звезды"),
        (FEMININE, "instrumental", "большой закрашенной красной звездой"),
        (NEUTER, "instrumental", "большим закрашенным красным сердцем"),
    ],
)
def test_russian_agreement(shape, case, expected):
    assert russian.russian_phrase(mention(shape), case, FirstWords())[0] == expected


def test_russian_words_behind_the_noun_stay_as_they_are():
    spotted = mention("ring", size="medium", fill="dotted", said=("size", "fill", "colour", "place"))
    phrase, gender = russian.russian_phrase(spotted, "genitive", FirstWords())
    assert (phrase, gender) == ("красного кольца в горошек среднего размера в левом верхнем углу", "n")


@pytest.mark.parametrize(
    ("module", "places", "expected"),
    [
        (german, ("top left", "top right"), "Ein roter Kreis links von einem blauen Ring im Lichtkegel"),
        (german, ("top left", "bottom left"), "Ein roter Kreis über einem blauen Ring im Lichtkegel"),
        (german, ("centre", "top left"), "Ein roter Kreis rechts unterhalb von einem blauen Ring im Lichtkegel"),
        (french, ("centre", "bottom centre"), "Un cercle rouge au-dessus d'un anneau bleu dans un halo de lumière"),
        (french, ("centre", "top left"), "Un cercle rouge en dessous et à droite d'un anneau bleu dans un halo"),
        (japanese, ("centre", "top left"), "中央が明るく照らされた背景で、青い輪の右下に赤い円があります"),
        (japanese, ("centre", "middle right"), "中央が明るく照らされた背景で、青い輪の左に赤い円があります"),
        (russian, ("top left", "top right"), "Красный круг слева от синего кольца в круге света"),
        (russian, ("top left", "bottom left"), "Красный круг над синим кольцом в круге света"),
        (russian, ("centre", "top left"), "Красный круг ниже и правее синего кольца в круге света"),
    ],
)
def test_relations(module, places, expected):
    objects = (
        mention("circle", place=places[0], said=("colour",)),
        mention("ring", "blue", place=places[1], said=("colour",)),
    )
    text = module._related(Plan(objects, "spotlight"), FirstWords())
    assert (text[0].upper() + text[1:]).startswith(expected)


@pytest.mark.parametrize(
    ("shapes", "verb"),
    [
        ((MASCULINE,), "изображён"),
        ((FEMININE,), "изображена"),
        ((NEUTER,), "изображено"),
        ((MASCULINE, FEMININE), "изображены"),
    ],
)
def test_russian_verb_agrees_with_what_is_shown(shapes, verb):
    plan = Plan(tuple(mention(shape, said=("colour",)) for shape in shapes), "grid")
    assert russian._background_first(plan, FirstWords()).startswith(f"на листе в клетку {verb} красн")


@pytest.mark.parametrize(("count", "verb"), [(1, "ist"), (2, "sind")])
def test_german_verb_agrees_with_the_number(count, verb):
    plan = Plan(tuple(mention(shape, said=("colour",)) for shape in SHAPES[:count]), "white")
    assert german._background_first(plan, FirstWords()).startswith(f"auf weißem Hintergrund {verb} ein roter Kreis")


@pytest.mark.parametrize(
    ("name", "german_name", "french_name", "japanese_name", "russian_name"),
    [
        ("red circle", "roter Kreis", "cercle rouge", "赤い円", "красный круг"),
        ("green star", "grüner Stern", "étoile verte", "緑色の星", "зелёная звезда"),
        ("blue heart", "blaues Herz", "cœur bleu", "青いハート", "синее сердце"),
        ("purple cross", "violettes Kreuz", "croix violette", "紫色の十字", "фиолетовый крест"),
        ("black diamond", "schwarze Raute", "losange noir", "黒いひし形", "чёрный ромб"),
        ("orange ring", "orangefarbener Ring", "anneau orange", "オレンジ色の輪", "оранжевое кольцо"),
        ("pink crescent", "rosafarbene Mondsichel", "croissant rose", "ピンク色の三日月", "розовый полумесяц"),
        ("yellow arrow", "gelber Pfeil", "flèche jaune", "黄色い矢印", "жёлтая стрелка"),
    ],
)
def test_class_names_agree_in_gender(name, german_name, french_name, japanese_name, russian_name):
    position = class_names().index(name)
    names = [names[position] for names in translated_class_names().values()]
    assert names == [german_name, french_name, japanese_name, russian_name]


@pytest.mark.parametrize("language", MODULES)
def test_class_names_are_distinct_and_say_colour_and_shape(language):
    names = translated_class_names()[language]
    assert len(set(names)) == len(names) == len(class_names())
    for name, english in zip(names, class_names(), strict=True):
        colour, shape = english.split(" ")
        assert values_said(language, name, "COLOURS", COLOURS) == [colour]
        assert values_said(language, name, "SHAPES", SHAPES) == [shape]
        assert not set(name) & set(",\t\n{}")


@pytest.mark.parametrize(
    ("language", "phrase"),
    [
        ("de", lambda said: german.german_phrase(said, "nominative", FirstWords()).partition(" ")[2]),
        ("fr", lambda said: french.french_phrase(said, FirstWords()).partition(" ")[2]),
        ("ja", lambda said: japanese.japanese_phrase(said, FirstWords())),
        ("ru", lambda said: russian.russian_phrase(said, "nominative", FirstWords())[0]),
    ],
)
def test_class_names_are_what_captions_say_without_their_article(language, phrase):
    said = [mention(shape, colour, said=("colour",)) for shape in SHAPES for colour in COLOURS]
    assert list(translated_class_names()[language]) == [phrase(item) for item in said]
