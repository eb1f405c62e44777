import json

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from ligature.data.pools import KEPT, Funnel, drop_rows, funnel_table, merge_funnels
from ligature.data.pools.funnel import SAMPLES

REASONS = [KEPT, "few words", "language"]
marked = st.lists(st.tuples(st.integers(0, 2**64 - 1), st.sampled_from(REASONS)), max_size=30)


def table_of(uids):
    captions, urls = [f"cat {uid}" for uid in uids], [f"http://a.com/{uid}" for uid in uids]
    return pd.DataFrame({"uid": np.array(uids, dtype=np.uint64), "caption": captions, "url": urls})


def dropped_of(rows, step="filter", source="web"):
    table = table_of([uid for uid, _ in rows])
    return drop_rows(table, np.array([reason for _, reason in rows], dtype=object), step, source)


def test_rows_are_dropped_and_counted_by_reason():
    kept, funnel = dropped_of([(7, "language"), (5, KEPT), (3, "few words"), (2, "language"), (9, KEPT)])
    assert kept["uid"].to_list() == [5, 9]
    assert kept.index.to_list() == [0, 1]
    assert (funnel.rows_in, funnel.rows_out) == (5, 2)
    assert funnel.dropped == {"few words": 1, "language": 2}
    assert [sample["uid"] for sample in funnel.samples["language"]] == [f"{2:016x}", f"{7:016x}"]
    assert funnel.samples["few words"] == [{"uid": f"{3:016x}", "caption": "cat 3", "url": "http://a.com/3"}]


def test_samples_are_few_and_short():
    table = table_of(list(range(50))).assign(caption="x" * 1000)
    _, funnel = drop_rows(table, np.full(50, "language"), "filter", "web")
    assert [sample["uid"] for sample in funnel.samples["language"]] == [f"{uid:016x}" for uid in range(SAMPLES)]
    assert {len(sample["caption"]) for sample in funnel.samples["language"]} == {160}


@settings(max_examples=25, deadline=None)
@given(marked, st.integers(0, 30))
def test_parts_merge_to_the_accounting_of_the_whole(rows, cut):
    _, whole = dropped_of(rows)
    (_, one), (_, two) = dropped_of(rows[:cut]), dropped_of(rows[cut:])
    assert one.merge(two) == two.merge(one) == whole
    assert whole.rows_in == len(rows)
    assert whole.rows_out == sum(reason == KEPT for _, reason in rows)


def test_nothing_dropped_is_accounted_for_too():
    kept, funnel = dropped_of([])
    assert len(kept) == 0
    assert funnel == Funnel("filter", "web", 0, {}, {})


def test_an_accounting_survives_json():
    _, funnel = dropped_of([(7, "language"), (5, KEPT)])
    assert Funnel.from_dict(json.loads(json.dumps(funnel.as_dict()))) == funnel


def test_one_funnel_a_step_and_source_and_one_row_a_reason():
    _, one = dropped_of([(7, "language"), (5, KEPT)])
    _, two = dropped_of([(8, "few words")], source="other")
    _, three = dropped_of([(6, "few words"), (4, KEPT)])
    merged = merge_funnels([one, two, three])
    assert [(funnel.source, funnel.rows_in) for funnel in merged] == [("web", 4), ("other", 1)]
    assert funnel_table([one, two, three]).values.tolist() == [
        ["filter", "web", "few words", 1, 4],
        ["filter", "web", "language", 1, 4],
        ["filter", "web", "kept", 2, 4],
        ["filter", "other", "few words", 1, 1],
        ["filter", "other", "kept", 0, 1],
    ]
