import numpy as np
import pytest
from latent_pairs import latent_pairs
from qap_reference import cka_plain, faq_scipy

from ligature.errors import DataError, ParamsError
from ligature.matching.qap import Permutation, SeededQAP, normalised_gram
from ligature.matching.qap.held_out import form_accuracies

ORDER = np.random.default_rng(7).permutation(40)
TRUTH = np.argsort(ORDER)


def shuffled(pairs, order=ORDER):
    return pairs._replace(query_y=pairs.query_y[order])


PAIRS = shuffled(latent_pairs(base=60, queries=40, width_x=200, width_y=300, noise=0.2, seed=2))


def matched(pairs=PAIRS, **settings):
    return SeededQAP(**settings).fit(pairs.base_x, pairs.base_y).match(pairs.query_x, pairs.query_y)


def raised(kind, pairs=PAIRS, **settings):
    with pytest.raises(kind) as caught:
        matched(pairs, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("kernel", ["rbf", "linear"])
@pytest.mark.parametrize("form", ["faq", "hollow"])
def test_the_objective_is_the_cka_of_the_permuted_pairs(kernel, form):
    found = matched(form=form, kernel=kernel)
    x, y = np.vstack([PAIRS.base_x, PAIRS.query_x]), np.vstack([PAIRS.base_y, PAIRS.query_y[found]])
    assert found.objective == pytest.approx(cka_plain(x, y, kernel), abs=1e-12)
    assert sorted(found) == list(range(40))
    assert isinstance(found, Permutation)
    assert found.form == form
    assert (found == TRUTH).mean() > 0.5


def test_the_objective_of_the_seeds_is_what_no_matching_changes():
    found = matched(form="faq")
    grams = [
        normalised_gram(np.vstack(sides), "rbf", "side")
        for sides in ((PAIRS.base_x, PAIRS.query_x), (PAIRS.base_y, PAIRS.query_y))
    ]
    assert found.seed_objective == pytest.approx((grams[0][:60, :60] * grams[1][:60, :60]).sum())
    assert matched(form="hollow").seed_objective == found.seed_objective < found.objective


@pytest.mark.parametrize("kernel", ["rbf", "linear"])
def test_the_form_faq_is_that_of_scipy_on_the_same_grams(kernel):
    x, y = np.vstack([PAIRS.base_x, PAIRS.query_x]), np.vstack([PAIRS.base_y, PAIRS.query_y])
    columns, steps = faq_scipy(normalised_gram(x, kernel, "x"), normalised_gram(y, kernel, "y"), 60)
    found = matched(form="faq", kernel=kernel)
    np.testing.assert_array_equal(found, columns)
    assert found.iterations == steps


def test_a_gram_is_centred_of_norm_one_and_its_products_are_cka():
    x, y = PAIRS.base_x, PAIRS.base_y
    for kernel in ("rbf", "linear"):
        left, right = (normalised_gram(rows, kernel, "side") for rows in (x, y))
        assert np.linalg.norm(left) == pytest.approx(1)
        np.testing.assert_allclose(left.sum(axis=0), 0, atol=1e-12)
        np.testing.assert_allclose(left, left.T, atol=1e-15)
        assert (left * right).sum() == pytest.approx(cka_plain(x, y, kernel), abs=1e-12)


def test_the_order_of_the_candidates_does_not_matter():
    other = np.random.default_rng(1).permutation(40)
    for form in ("faq", "hollow", "auto"):
        first, second = matched(form=form), matched(PAIRS._replace(query_y=PAIRS.query_y[other]), form=form)
        np.testing.assert_array_equal(other[second], first)
        assert second.objective == pytest.approx(first.objective)


def test_scale_rotation_and_offset_of_a_side_do_not_matter():
    turn, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((200, 200)))
    moved = PAIRS._replace(base_x=5 * PAIRS.base_x @ turn + 3, query_x=5 * PAIRS.query_x @ turn + 3)
    np.testing.assert_array_equal(matched(moved, form="hollow"), matched(form="hollow"))


def test_more_candidates_than_queries_are_allowed():
    pairs = latent_pairs(base=80, queries=50, width_x=200, width_y=300, noise=0.2, seed=3)
    some = np.random.default_rng(0).permutation(50)[:20]
    for form in ("faq", "hollow", "auto"):
        found = matched(pairs._replace(query_x=pairs.query_x[some]), form=form)
        assert found.shape == (20,)
        assert len(set(found.tolist())) == 20
        assert (found == some).mean() > 0.4
        assert found.seed_objective < found.objective < 1


def test_a_single_query_is_matched():
    assert matched(PAIRS._replace(query_x=PAIRS.query_x[:1], query_y=PAIRS.query_y[TRUTH[:1]])).tolist() == [0]
    assert matched(PAIRS._replace(query_x=PAIRS.query_x[:1])).shape == (1,)


def test_a_form_is_chosen_for_what_it_does_to_anchors_thrown_among_the_queries():
    model = SeededQAP(folds=3).fit(PAIRS.base_x, PAIRS.base_y)
    assert model.form_accuracy_ is None
    found, accuracy = model.match(PAIRS.query_x, PAIRS.query_y), model.form_accuracy_
    assert set(accuracy) == {"faq", "hollow"}
    assert all(round(value * 60) == pytest.approx(value * 60) for value in accuracy.values())
    assert found.form == ("hollow" if accuracy["hollow"] > accuracy["faq"] else "faq")
    np.testing.assert_array_equal(found, matched(form=found.form))


def test_held_out_anchors_are_counted_right_where_they_meet_themselves():
    grams = tuple(
        normalised_gram(np.vstack(sides), "rbf", "side")
        for sides in ((PAIRS.base_x, PAIRS.query_x), (PAIRS.base_y, PAIRS.query_y))
    )
    asked = []

    def oracle(problem, start):
        seeds, free_x, free_y = asked[-1]
        assert start is asked[-1]
        assert problem.linear.shape == (len(free_x), len(free_y)) == (15 + 40, 15 + 40)
        assert len(seeds) == 45
        assert set(seeds) | set(free_x) == set(seeds) | set(free_y) == set(range(100))
        own = np.argsort(free_y)[np.searchsorted(np.sort(free_y), free_x)]
        hollow = not problem.a.diagonal().any()
        return type("Result", (), {"columns": np.roll(own, 1) if hollow else own})

    def start(*rows):
        asked.append(rows)
        return rows

    accuracy = form_accuracies(grams, 60, oracle, start, folds=4, seed=0)
    assert accuracy == {"faq": 1.0, "hollow": 0.0}
    assert len(asked) == 4
    assert sorted(np.concatenate([free_x[:15] for _, free_x, _ in asked])) == list(range(60))


def test_no_more_parts_are_held_out_than_it_takes_to_know():
    rows = np.random.default_rng(0).standard_normal((310, 3))
    gram, asked = normalised_gram(rows, "linear", "rows"), []

    def solve(problem, start):
        asked.append(len(problem.linear))
        return type("Result", (), {"columns": np.arange(len(problem.linear))})

    accuracy = form_accuracies((gram, gram), 300, solve, lambda *rows: None, folds=5, seed=0)
    assert asked == [70] * 4
    assert max(accuracy.values()) < 0.1, "the order of the candidates gives the answer away"


def test_with_few_anchors_or_at_a_tie_the_published_form_is_taken():
    few = PAIRS._replace(base_x=PAIRS.base_x[:7], base_y=PAIRS.base_y[:7])
    model = SeededQAP().fit(few.base_x, few.base_y)
    assert model.match(few.query_x, few.query_y).form == "faq"
    assert model.form_accuracy_ is None
    generator = np.random.default_rng(0)
    easy = generator.standard_normal((30, 6))
    model = SeededQAP().fit(easy[:20], easy[:20])
    found = model.match(easy[20:], easy[20:])
    assert model.form_accuracy_ == {"faq": 1.0, "hollow": 1.0}
    assert found.form == "faq"
    assert found.tolist() == list(range(10))
    assert found.objective == pytest.approx(1)


@pytest.mark.slow
def test_raw_features_take_faq_and_stretched_ones_hollow():
    order, chosen, right = np.random.default_rng(1).permutation(300), [], []
    for seed in range(3):
        raw = latent_pairs(base=200, queries=300, noise=1.3, seed=300 + seed)
        for pairs in (shuffled(raw, order), shuffled(raw.scaled(), order)):
            found = matched(pairs)
            right.append((found == np.argsort(order)).mean())
            chosen.append(found.form)
    assert sum(form == expected for form, expected in zip(chosen, ["faq", "hollow"] * 3, strict=True)) >= 5
    assert np.mean(right[1::2]) > np.mean(right[::2]) > 0.1


def test_hollow_goes_on_where_the_published_form_stops():
    pairs = shuffled(latent_pairs(base=100, queries=120, seed=4).scaled(), np.random.default_rng(1).permutation(120))
    faq, hollow = (matched(pairs, form=form) for form in ("faq", "hollow"))
    truth = np.argsort(np.random.default_rng(1).permutation(120))
    assert faq.iterations == 2 < hollow.iterations
    assert hollow.objective > faq.objective
    assert (hollow == truth).mean() > (faq == truth).mean()


def test_restarts_never_make_the_objective_smaller_and_do_not_depend_on_the_threads():
    pairs = shuffled(latent_pairs(base=15, queries=40, width_x=20, width_y=30, seed=5))
    alone, more = matched(pairs, form="hollow"), matched(pairs, form="hollow", restarts=6, seed=3)
    assert more.objective >= alone.objective
    assert matched(pairs, form="hollow", restarts=12, seed=3).objective >= more.objective
    threads = matched(pairs, form="hollow", restarts=6, seed=3, jobs=2)
    np.testing.assert_array_equal(threads, more)
    assert threads.objective == more.objective
    others = {matched(pairs, form="hollow", restarts=1, seed=seed).objective for seed in range(6)}
    assert len(others) > 1


def test_the_same_seed_gives_the_same_bytes():
    for settings in ({"form": "auto"}, {"form": "faq", "restarts": 3}):
        assert matched(**settings).tobytes() == matched(**settings).tobytes()


def test_a_constant_dimension_and_repeated_anchors_do_no_harm():
    padded = PAIRS._replace(
        base_x=np.hstack([PAIRS.base_x, np.full((60, 1), 4.0)]),
        query_x=np.hstack([PAIRS.query_x, np.full((40, 1), 4.0)]),
    )
    np.testing.assert_array_equal(matched(padded, form="hollow"), matched(form="hollow"))
    twice = PAIRS._replace(
        base_x=np.vstack([PAIRS.base_x, PAIRS.base_x[:20]]), base_y=np.vstack([PAIRS.base_y, PAIRS.base_y[:20]])
    )
    found = matched(twice)
    assert np.isfinite(found.objective)
    x, y = np.vstack([twice.base_x, twice.query_x]), np.vstack([twice.base_y, twice.query_y[found]])
    assert found.objective == pytest.approx(cka_plain(x, y), abs=1e-12)


def test_input_that_cannot_be_used_is_named_in_one_line():
    broken = PAIRS.query_x.copy()
    broken[3, 2] = np.nan
    assert raised(DataError, PAIRS._replace(query_x=broken)).startswith("query_x: row 3 holds a value")
    assert "base_y: row 0" in raised(DataError, PAIRS._replace(base_y=np.full((60, 4), np.inf)))
    two = PAIRS._replace(base_x=PAIRS.base_x[:2], base_y=PAIRS.base_y[:2])
    assert raised(DataError, two).startswith("base: 2 pairs")
    assert "59 rows of x against 60" in raised(DataError, PAIRS._replace(base_x=PAIRS.base_x[1:]))
    assert "all 60 rows are the same" in raised(DataError, PAIRS._replace(base_x=np.ones((60, 200))))
    assert "40 queries for 39" in raised(DataError, PAIRS._replace(query_y=PAIRS.query_y[1:]))
    assert raised(DataError, PAIRS._replace(query_y=PAIRS.query_y[:, 1:])).startswith("query_y: 299 dimensions")
    assert raised(DataError, PAIRS._replace(query_x=PAIRS.query_x[:0])).startswith("query_x: is empty")
    assert raised(DataError, start=np.arange(39)).startswith("start: 39 entries")


@pytest.mark.parametrize("kernel", ["rbf", "linear"])
@pytest.mark.parametrize("scale", [1e170, 1e-170])
def test_features_beyond_float64_are_refused(kernel, scale):
    message = raised(
        DataError, PAIRS._replace(base_x=PAIRS.base_x * scale, query_x=PAIRS.query_x * scale), kernel=kernel
    )
    assert message.startswith("base_x with query_x: ")
    assert "scale" in message


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"form": "full"}, "form is 'full': use one of auto, faq, hollow"),
        ({"start": "random"}, "start is 'random': use one of barycentre, local-cka"),
        ({"kernel": "cosine"}, "kernel is 'cosine': use one of rbf, linear"),
        ({"restarts": -1}, "restarts is -1: use 0 or more"),
        ({"seed": -5}, "seed is -5: use 0 or more"),
        ({"jobs": 0}, "jobs is 0: use 1 or more"),
        ({"max_iterations": 0}, "max_iterations is 0: use 1 or more"),
        ({"folds": 1}, "folds is 1: use 2 or more"),
        ({"folds": 61}, "folds is 61: use at most as many as there are anchors, 60"),
        ({"tolerance": 0}, "tolerance is 0: use a number above zero"),
        ({"tolerance": float("nan")}, "tolerance is nan: use a number above zero"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    assert raised(ParamsError, **settings) == message
