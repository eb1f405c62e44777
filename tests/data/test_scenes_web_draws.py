import random
import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scene_strategies import few

from ligature.data.scenes import class_names
from ligature.data.scenes.sampling import generator
from ligature.data.scenes.vocabulary import COLOURS, SHAPES
from ligature.data.scenes.web import shares
from ligature.data.scenes.web.alttext import SOUND, alt_text, respelled
from ligature.data.scenes.web.drawing import SceneDraw, pool_weights, skewed_weights
from ligature.errors import DataError


def normalised(text):
    return " ".join(re.findall(r"\w+", text.casefold()))


def test_tables_of_shares_add_up():
    for table in (shares.ALT_TEXTS, shares.NSFW, shares.LICENSES, shares.STATED_SIZES):
        assert sum(table.values()) == pytest.approx(1)
    for column in (shares.POOL, shares.CAPTIONED):
        assert sum(host[column] for host in shares.HOSTS.values()) == pytest.approx(1)
    assert {host[2] for host in shares.HOSTS.values()} == set(shares.PROFILES)
    assert all(sum(profile.values()) <= 1 for profile in shares.PROFILES.values())
    assert 0.70 <= shares.arriving_share(shares.POOL) <= 0.75
    assert 0.80 <= shares.arriving_share(shares.CAPTIONED) <= 0.85


def test_arriving_share_is_what_many_draws_give():
    rng = random.Random(1)
    hosts = {name: row[shares.POOL] for name, row in shares.HOSTS.items()}
    draws = [shares.draw_behaviour(shares.HOSTS[shares.draw(hosts, rng)][2], rng) for _ in range(5000)]
    arrived = np.mean([behaviour in shares.ARRIVING for behaviour in draws])
    assert arrived == pytest.approx(shares.arriving_share(shares.POOL), abs=0.03)


@pytest.mark.parametrize("seed", [0, 5])
def test_classes_of_the_pool_have_a_long_tail(seed):
    weights = pool_weights(seed)
    assert weights.sum() == pytest.approx(1)
    ranked = np.sort(weights)[::-1]
    table = weights.reshape(len(SHAPES), len(COLOURS))
    for axis, exponent in ((1, shares.TAILS["shapes"]), (0, shares.TAILS["colours"])):
        sums = np.sort(table.sum(axis=axis))[::-1]
        np.testing.assert_allclose(sums, sums[0] * np.arange(1.0, len(sums) + 1) ** -exponent)
    assert ranked[:10].sum() > 0.4
    assert ranked[-48:].sum() < 0.13
    draw, rng = SceneDraw(weights, (0.5, 0.3, 0.2), set()), random.Random(seed)
    labels = Counter(draw(generator(seed, "test", index), rng)[1].class_name for index in range(3000))
    assert labels.most_common(1)[0][0] == class_names()[int(weights.argmax())]
    counts = np.array([labels[name] for name in class_names()])
    np.testing.assert_allclose(counts[weights.argsort()[-5:]], 3000 * ranked[4::-1], rtol=0.25)
    assert counts[weights.argsort()[:48]].sum() == pytest.approx(3000 * ranked[48:].sum(), rel=0.25)


def test_captioned_sources_lack_the_rarest_shapes_and_a_third_of_the_rest_each_and_not_the_same():
    rarest = np.argsort(pool_weights(3).reshape(len(SHAPES), len(COLOURS)).sum(axis=1))[: shares.UNKNOWN_SHAPES]
    own = []
    for source in ("cc3m", "cc12m", "sbu"):
        weights = skewed_weights(3, source)
        assert weights.sum() == pytest.approx(1)
        table = weights.reshape(len(SHAPES), len(COLOURS))
        assert not table[rarest].any()
        known = np.delete(table, rarest, axis=0)
        assert 0.5 < (known > 0).mean() < 0.8
        assert known.max() == pytest.approx(3 * known[known > 0].min())
        own.append(known > 0)
    assert (own[0] != own[1]).any()
    assert (np.sum(own, axis=0) > 0).mean() > 0.9


def test_no_drawn_scene_holds_a_class_of_weight_zero():
    weights = skewed_weights(0, "sbu")
    draw, rng = SceneDraw(weights, shares.CAPTIONED_OBJECTS, set()), random.Random(0)
    scenes = [draw(generator(0, "test", index), rng)[0] for index in range(200)]
    assert all(weights[class_names().index(label)] > 0 for scene in scenes for label in scene.labels)
    assert all(len(set(scene.labels)) == len(scene.objects) for scene in scenes)
    assert 1.9 < np.mean([len(scene.objects) for scene in scenes]) < 2.7


def test_an_exhausted_draw_is_one_line(monkeypatch):
    monkeypatch.setattr("ligature.data.scenes.web.drawing.is_web_scene", lambda scene: False)
    draw = SceneDraw(pool_weights(0), shares.POOL_OBJECTS, set())
    with pytest.raises(DataError, match=r"web: no new scene with a \w+ \w+ after 0; ask for fewer rows"):
        draw(generator(0, "test"), random.Random(0))


@few
@given(seed=st.integers(0, 10**6), kind=st.sampled_from([*shares.ALT_TEXTS, "endless"]))
def test_alt_texts_depend_on_their_randomness_alone_and_name_the_object(seed, kind):
    draw = SceneDraw(pool_weights(0), shares.POOL_OBJECTS, set())
    scene, item = draw(generator(seed, "test"), random.Random(seed))
    texts = [alt_text(kind, scene, item, random.Random(seed)) for _ in range(2)]
    assert texts[0] == texts[1]
    assert (texts[0] is None) == (kind == "null")
    assert kind in SOUND or kind in {*shares.ALT_TEXTS, "endless"}
    if texts[0] is not None:
        assert texts[0].strip()
        assert (len(texts[0]) > 100_000) == (kind == "endless")


@few
@given(text=st.sampled_from(["A red star.", "BLUE RING", "blue ring", "Pink heart!"]), seed=st.integers(0, 99))
def test_a_respelled_caption_differs_in_case_and_punctuation_alone(text, seed):
    other = respelled(text, random.Random(seed))
    assert other != text
    assert normalised(other) == normalised(text)
