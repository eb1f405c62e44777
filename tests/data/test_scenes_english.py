import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scene_strategies import FirstWords, few, one_object_scene, scenes

from ligature.data.scenes import english_captions, long_description
from ligature.data.scenes.captions import english, english_words
from ligature.data.scenes.captions import long as long_module
from ligature.data.scenes.captions.plan import Mention, Plan, draw_plan, enumerated, word_rng
from ligature.data.scenes.scene import SceneObject
from ligature.data.scenes.vocabulary import BACKGROUNDS, COLOURS, FILLS, PLACES, SHAPES, SIZES

TABLES = {
    "shape": english_words.SHAPES,
    "colour": english_words.COLOURS,
    "size": english_words.SIZES,
    "fill": english_words.FILLS,
    "tail": english_words.FILL_TAILS,
    "place": {place: (*words, place) for place, words in english_words.PLACES.items()},
}
MEANINGS = {word: (kind, value) for kind, table in TABLES.items() for value, words in table.items() for word in words}
ANY_WORD = re.compile(
    r"(?<![\w-])(" + "|".join(sorted(map(re.escape, MEANINGS), key=len, reverse=True)) + r")(?![\w-])"
)
seeds = st.integers(0, 10**6)


def said_objects(text):
    """Splits a caption into what it says of every object, by the order of words alone."""
    found = []
    for part in text.split(";"):
        said = [MEANINGS[match.group()] for match in ANY_WORD.finditer(part)]
        if [kind for kind, _ in said].count("shape") == 1:
            found.append(said)
            continue
        before, groups = [], []
        for kind, value in said:
            if kind == "shape":
                groups.append([*before, (kind, value)])
                before = []
            elif kind in ("tail", "place"):
                groups[-1].append((kind, value))
            else:
                before.append((kind, value))
        found += groups
    return found


def fits(said, item):
    return all(getattr(item, "fill" if kind == "tail" else kind) == value for kind, value in said)


def without_background(text, scene):
    """Removes the words for the background, and checks that they are the scene's."""
    for background, phrases in english_words.BACKGROUNDS.items():
        for phrase in phrases:
            if re.search(rf"(?<![\w-]){re.escape(phrase)}(?![\w-])", text):
                assert background == scene.background
                text = text.replace(phrase, " ")
    return text


@few
@given(scene=scenes, seed=seeds)
def test_everything_a_caption_says_holds_for_one_object(scene, seed):
    for caption in english_captions(scene, seed=seed):
        text = without_background(caption.lower(), scene)
        objects = said_objects(text)
        assert len(objects) >= max(len(scene.objects) - 1, 1)
        for said in objects:
            assert any(fits(said, item) for item in scene.objects), (caption, said)


@few
@given(scene=scenes, seed=seeds)
def test_captions_differ_and_say_more_than_the_shape(scene, seed):
    captions = english_captions(scene, seed=seed)
    assert len(set(captions)) == 5
    for caption in captions:
        said = said_objects(without_background(caption.lower(), scene))
        related = re.search("above|below|to the (left|right) of", caption)
        assert related or all(len(words) >= 2 for words in said)
        if len(scene.objects) == 1:
            assert len(said[0]) >= 3


@few
@given(scene=scenes, seed=seeds)
def test_captions_repeat_for_one_seed(scene, seed):
    assert english_captions(scene, seed=seed) == english_captions(scene, seed=seed)
    assert english_captions(scene, seed=seed) != english_captions(scene, seed=seed + 1)


@few
@given(scene=scenes, seed=seeds)
def test_captions_are_well_formed(scene, seed):
    for caption in english_captions(scene, seed=seed):
        assert caption == caption.strip()
        assert not re.search(r"  | ,|\.\.|None|[{}]", caption)
        assert caption[0].isupper() == caption.endswith(".")
        assert not re.search(r"\ba [aeiou]|\ban [^aeiou]", caption.lower())


@pytest.mark.parametrize(
    ("table", "options"),
    [
        (english_words.SHAPES, SHAPES),
        (english_words.COLOURS, COLOURS),
        (english_words.SIZES, SIZES),
        (english_words.FILLS, FILLS),
        (english_words.FILL_TAILS, FILLS),
        (english_words.PLACES, PLACES),
        (english_words.BARE_PLACES, PLACES),
        (english_words.BACKGROUNDS, BACKGROUNDS),
    ],
)
def test_word_tables_cover_the_vocabulary_and_no_word_has_two_meanings(table, options):
    assert set(table) == set(options)
    words = [word for entry in table.values() for word in ([entry] if isinstance(entry, str) else entry)]
    assert len(set(words)) == len(words)


def test_synonyms_are_used():
    captions = " ".join(
        caption.lower() for seed in range(150) for caption in english_captions(one_object_scene(), seed=seed)
    )
    for word in (*english_words.COLOURS["red"], *english_words.SIZES["large"], *english_words.PLACES["centre"]):
        assert word in captions


def test_sentences_for_a_fixed_choice_of_words():
    star = SceneObject("star", "orange", "large", "striped", "top left")
    ring = SceneObject("ring", "blue", "small", "solid", "bottom centre")
    plan = Plan((Mention(star, colour=True, size=True, place=True), Mention(ring, colour=True)), "grid")
    rng = FirstWords()
    frames = {frame.__name__: frame(plan, rng) for frame in english._FRAMES}
    assert frames["_plain"] == ("A large orange star in the top left corner and a blue ring on a grid background.")
    assert frames["_related"] == "A large orange star above and to the left of a blue ring, on a grid background."
    assert frames["_telegraphic"] == "large orange star top left, blue ring, on a grid background"
    assert frames["_clauses"].startswith("A star that is large and orange, in the top left corner; a ring that is")
    assert frames["_place_first"] == (
        "In the top left corner a large orange star; at the bottom a blue ring, all on a grid background."
    )


@pytest.mark.parametrize(("one", "other"), list(itertools.permutations(PLACES, 2)))
def test_relations_follow_the_grid(one, other):
    first, second = (SceneObject("star", "red", "small", "solid", place) for place in (one, other))
    text = english.relation(first, second)
    (row, column), (other_row, other_column) = PLACES[one], PLACES[other]
    assert ("above" in text, "below" in text) == (row < other_row, row > other_row)
    assert ("left" in text, "right" in text) == (column < other_column, column > other_column)


@pytest.mark.parametrize(
    ("parts", "expected"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_enumerations(parts, expected):
    assert enumerated(parts, ", ", " and ") == expected


@few
@given(scene=scenes, seed=seeds)
def test_plans_mention_enough(scene, seed):
    plan = draw_plan(scene, word_rng(scene, seed, "test"))
    assert {mention.item for mention in plan.mentions} <= set(scene.objects)
    assert plan.background in (None, scene.background)
    least = 2 if len(plan.mentions) == 1 else 1
    for mention in plan.mentions:
        assert mention.colour + mention.size + mention.fill + mention.place >= least


def sentences_of(text):
    return re.findall(r"[^.]+\.", text)


@few
@given(scene=scenes, seed=seeds)
def test_long_descriptions_are_long_and_well_formed(scene, seed):
    text = long_description(scene, seed=seed)
    sentences = [sentence.strip() for sentence in sentences_of(text)]
    assert len(sentences) >= 5
    assert len(set(sentences)) == len(sentences)
    assert 100 <= len(text.split()) <= 300
    assert all(sentence[0].isupper() for sentence in sentences)
    assert not re.search(r"  | ,|None|\ba [aeiou]|\ban [^aeiou]", text.lower())


@few
@given(scene=scenes, seed=seeds)
def test_long_descriptions_say_nothing_false(scene, seed):
    text = long_description(scene, seed=seed)
    backdrop = long_module._BACKDROPS[scene.background]
    assert backdrop in text
    number = ("no", "one", "two", "three")[len(scene.objects)]
    assert re.search(rf"\b{number} objects?: ", text)
    for sentence in sentences_of(text.replace(f"{backdrop}.", "").lower()):
        said = [MEANINGS[match.group()] for match in ANY_WORD.finditer(sentence)]
        if "there is nothing" in sentence:
            bare = {place for place, words in english_words.BARE_PLACES.items() if words in sentence}
            assert len(bare) == 3
            assert not bare & {item.place for item in scene.objects}
        elif "seen from" in sentence:
            groups = said_objects(sentence)
            other, one = (next(item for item in scene.objects if fits(said, item)) for said in groups)
            assert f"is {english.relation(one, other).removesuffix(' of')}." in sentence
        elif said and "outline" not in sentence:
            assert all(any(fits(group, item) for item in scene.objects) for group in said_objects(sentence)), sentence


@few
@given(scene=scenes, seed=seeds)
def test_long_descriptions_give_every_object_its_size_fill_and_place(scene, seed):
    text = long_description(scene, seed=seed).lower()
    for item in scene.objects:
        assert long_module._EXTENTS[item.size] in text
        assert long_module._SURFACES[item.fill] in text
        assert any(phrase in text for phrase in english_words.PLACES[item.place])
        assert any(word in text for word in english_words.COLOURS[item.colour])
