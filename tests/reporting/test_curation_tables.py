"""Tables and figures of curation: what is shown is what the tables say."""

import pandas as pd
import pytest
from curation_inputs import ablation_results, concepts_table, downloads_table, funnel_table, mixes_table, prototypes
from matplotlib.axes import Axes
from reporting_inputs import HOSTILE

from ligature.reporting.ablation import ablation_points, ablation_table, headline_measures
from ligature.reporting.curation_figures import OTHER, coverage_curves, funnel_bars, link_rot_bars, rarity_curve
from ligature.reporting.curation_tables import concept_table, host_table, prototype_table, set_table
from ligature.reporting.curation_tables import funnel_table as shown_funnel
from ligature.reporting.drawing import Drawing


def axes_of(drawing: Drawing) -> Axes:
    return drawing.canvas.axes[0]


def ordered() -> pd.DataFrame:
    return concepts_table().sort_values("rarity_rank", ignore_index=True)


def test_the_rarest_concepts_are_shown_and_all_are_written() -> None:
    table = concept_table(ordered())
    assert [row[0] for row in table.rows][1:3] == ["null", "concept 2"]
    assert len(table.rows) == 10
    assert len(table.data) == 120
    row = dict(zip(table.header, table.rows[4], strict=True))
    assert (row["subset"], row["asked"], row["found"], row["kept"], row["final"]) == ("7", "50", "22", "27", "13")
    assert "10 rarest of 120 concepts" in table.caption


def test_stages_that_have_not_run_are_no_columns() -> None:
    table = concept_table(ordered().assign(downloaded=float("nan"), final=float("nan")))
    assert not {"downloaded", "final"} & set(table.header)


def test_prototypes_show_where_they_come_from() -> None:
    assert dict(prototype_table(prototypes()).rows) == {
        "concepts": "120",
        "dataset": "labels",
        "kind": "images",
        "shots": "12 to 16",
        "encoders": "vision: pixels, text: words",
    }
    bare = prototype_table({"names": ["a"], "shots": 4, "provenance": None})
    assert dict(bare.rows) == {"concepts": "1", "shots": "4"}
    projector = {"names": [], "provenance": {"encoders": {"vision": "v", "projector": None}, "dataset": HOSTILE * 9}}
    shown = dict(prototype_table(projector).rows)
    assert shown["encoders"] == "vision: v"
    assert len(shown["dataset"]) <= 80


def test_funnel_shows_every_step_and_reason_with_shares() -> None:
    table = shown_funnel(funnel_table())
    assert list(table.header) == ["step", "reason", "laion", "cc12m", "pool", "all"]
    assert [row[0] for row in table.rows] == ["filter"] * 4 + ["duplicates"] * 3 + ["select"] * 2
    assert list(table.rows[1][1:]) == ["language", "7,200 (18.0 %)", "1,620 (18.0 %)", "–", "8,820 (18.0 %)"]
    assert {table.rows[place][1] for place in table.strong} == {"kept"}
    assert len(table.strong) == 3


def test_a_source_that_drops_for_no_reason_still_counts_in_the_share_of_all() -> None:
    rows = [("filter", "a", "short", 5, 10), ("filter", "a", "kept", 5, 10), ("filter", "b", "kept", 30, 30)]
    rows.append(("filter", "c", "kept", 0, 0))
    table = shown_funnel(pd.DataFrame(rows, columns=["step", "source", "reason", "rows", "rows_in"]))
    assert list(table.rows[0][2:]) == ["5 (50.0 %)", "–", "–", "5 (12.5 %)"]
    assert list(table.rows[1][2:]) == ["5 (50.0 %)", "30 (100.0 %)", "0", "35 (87.5 %)"]


def test_hosts_stand_by_size_and_the_nameless_one_is_a_dash() -> None:
    table = host_table(downloads_table())
    assert len(table.rows) == 15
    assert len(table.data) == 30
    assert table.data["rows"].is_monotonic_decreasing
    assert table.rows[0][:2] == ["images0.example.org", "HTTP 404"]
    few = host_table(downloads_table().query("host == ''"))
    assert few.rows[0][0] == "–"


def test_sets_show_what_arrived() -> None:
    table = set_table(downloads_table())
    assert [row[:3] for row in table.rows] == [
        ["collected", "laion", "HTTP 404"],
        ["random", "laion", "HTTP 404"],
        ["cc3m", "cc3m", "HTTP 404"],
    ]
    for row, facts in zip(table.rows, table.data.itertuples(), strict=True):
        assert row[3:] == [f"{facts.rows:,}", f"{facts.arrived:,}", f"{100 * facts.arrived / facts.rows:.1f}"]
    none = set_table(downloads_table().query("status == 'success'").assign(rows=0))
    assert none.rows[0][2:] == ["–", "0", "0", "–"]


def test_coverage_sorts_every_curve_by_itself() -> None:
    drawing = coverage_curves(ordered())
    axes = axes_of(drawing)
    curves = {line.get_label(): line.get_ydata() for line in axes.lines}
    assert list(curves) == ["random subset of the pool", "selected", "reached the mix", "asked for (median)"]
    assert list(curves["selected"]) == sorted(concepts_table()["kept"], reverse=True)
    assert list(curves["random subset of the pool"]) == sorted(concepts_table()["pool"], reverse=True)
    assert axes.get_yscale() == "symlog"
    assert axes.get_ylim()[1] > 2000
    early = coverage_curves(ordered().assign(final=float("nan")))
    assert [line.get_label() for line in axes_of(early).lines][2:] == ["asked for (median)"]


def test_rarity_runs_from_the_rarest_concept() -> None:
    kth = axes_of(rarity_curve(ordered())).lines[0]
    assert list(kth.get_xdata()) == list(range(1, 121))
    assert list(kth.get_ydata()) == sorted(concepts_table()["kth_score"])


def test_funnel_bars_add_up_to_the_whole_of_every_step() -> None:
    drawing = funnel_bars(funnel_table())
    axes = axes_of(drawing)
    assert drawing.data.groupby("step")["share"].sum().tolist() == pytest.approx([1, 1, 1])
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels[:2] == ["filter: too short", "filter: language"]
    assert [label.partition(": ")[2] for label in labels].index("kept") == 3
    assert sum(patch.get_width() for patch in axes.patches) == pytest.approx(3)
    assert [text.get_text() for text in axes.texts][1] == "18.0\u00a0%"


def test_link_rot_puts_rare_reasons_together() -> None:
    downloads = downloads_table()
    (few,) = {tuple(link_rot_bars(downloads).data.columns)}
    assert few == ("set", "success", "HTTP 404", "timed out", "not an image")
    many = pd.concat([downloads, *(downloads.head(1).assign(status=f"odd {n}", rows=n) for n in range(1, 9))])
    shares = link_rot_bars(many).data
    assert list(shares.columns[-3:]) == ["odd 7", "odd 6", OTHER]
    assert shares.drop(columns="set").sum(axis=1).tolist() == pytest.approx([1, 1, 1])
    assert shares.loc[0, OTHER] == pytest.approx(15 / many.loc[many["set"] == "collected", "rows"].sum())


def test_ablation_shows_mean_and_deviation_of_every_mix() -> None:
    table = ablation_table(headline_measures(ablation_results()), mixes_table())
    assert list(table.header[4:]) == ["labels, top-1", "val, i→t R@1", "val, t→i R@1"]
    assert list(table.rows[0]) == ["collected", "collected", "5,200", "3", "53.0 ± 1.0", "22.0 ± 1.0", "19.0 ± 1.0"]
    assert list(table.rows[3][:3]) == ["both", "collected + cc3m + sbu", "10,000"]
    assert "chance" not in [row[0] for row in table.rows]
    assert set(table.data.query("model == 'both'")["rows"]) == {10_000}


def test_ablation_of_unknown_mixes_and_missing_measures_has_dashes() -> None:
    results = ablation_results().query("model != 'both' or task == 'classification'")
    table = ablation_table(headline_measures(results), mixes_table()[:0])
    assert list(table.rows[3]) == ["both", "–", "–", "3", "52.0 ± 1.0", "–", "–"]


def test_ablation_points_stand_at_the_means_with_chance_dotted() -> None:
    drawings = ablation_points(headline_measures(ablation_results()))
    assert [drawing.name for drawing in drawings] == [
        "ablation-1-labels-top1",
        "ablation-2-val-i2t_recall-1",
        "ablation-3-val-t2i_recall-1",
    ]
    axes = axes_of(drawings[0])
    (points,) = [line for line in axes.lines if line.get_marker() == "o"]
    assert points.get_xdata() == pytest.approx([53, 41, 38, 52])
    (bars,) = axes.collections
    assert bars.get_segments()[0][:, 0] == pytest.approx([52, 54])
    (chance,) = [line for line in axes.lines if line.get_linestyle() == ":"]
    assert chance.get_xdata() == pytest.approx([1, 1])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["collected", "random", "captioned", "both"]
