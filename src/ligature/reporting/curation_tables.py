"""Tables of curation: the concepts, the funnel of rows, the prototypes, and what could be downloaded."""

from typing import Any

import pandas as pd

from ligature.reporting.curation_readings import KEPT, SUCCESS
from ligature.reporting.table import Table
from ligature.reporting.text import NOTHING, bounded, number, percent, plural

RAREST = 10
HOSTS = 15
FACTS = ("dataset", "kind", "shots", "vision", "text", "encoder", "encoders", "scorer", "seed")


def count(value: float) -> str:
    """Returns a number of rows; a dash where there is none."""
    return NOTHING if pd.isna(value) else f"{value:,.0f}"


def concept_table(concepts: pd.DataFrame) -> Table:
    """Returns the rarest concepts as they are shown; the raw values hold all of them."""
    rarest = concepts.head(RAREST)
    counts = ["asked", "found", "kept", "backfilled", "downloaded", "final"]
    counts = [column for column in counts if concepts[column].notna().any()]
    return Table(
        name="concepts",
        caption=f"The {len(rarest)} rarest of {plural(len(concepts), 'concept')}; tables/concepts.csv has all. "
        "Subset: rows nearest to the concept in a random subset of the pool as large as the selection, "
        "and their share of it.",
        data=concepts,
        header=["concept", "k-th score", "mean score", "subset", "subset %", *counts],
        rows=[
            [
                bounded(row["name"], 40),
                number(row["kth_score"]),
                number(row["mean_score"]),
                count(row["pool"]),
                percent(row["pool_share"]),
                *(count(row[column]) for column in counts),
            ]
            for _, row in rarest.iterrows()
        ],
    )


def prototype_table(prototypes: dict[str, Any]) -> Table:
    """Returns what the concepts are and how their vectors were made, one row a fact."""
    provenance = prototypes.get("provenance")
    known = {**(provenance if isinstance(provenance, dict) else {}), **prototypes}
    facts = [("concepts", f"{len(prototypes['names']):,}")]
    facts += [(key, _fact(known[key])) for key in FACTS if known.get(key) is not None]
    return Table(
        name="prototypes",
        caption="What the concepts are and how the vector of each was made.",
        data=pd.DataFrame(facts, columns=["key", "value"]),
        header=["key", "value"],
        rows=[(key, bounded(value, 80)) for key, value in facts],
        text_columns=2,
    )


def _fact(value: Any) -> str:
    """Returns a value in one line; a list of numbers as its range, an object as its values."""
    if isinstance(value, dict):
        return ", ".join(f"{key}: {bounded(entry, 24)}" for key, entry in value.items() if entry is not None)
    if isinstance(value, list) and value and all(isinstance(entry, int | float) for entry in value):
        low, high = min(value), max(value)
        return f"{low:,}" if low == high else f"{low:,} to {high:,}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def funnel_table(funnel: pd.DataFrame) -> Table:
    """Returns one row a step and reason, one column a source, what is kept marked."""
    sources = list(dict.fromkeys(funnel["source"]))
    groups = list(funnel.groupby(["step", "reason"], sort=False))
    order = {step: place for place, step in enumerate(dict.fromkeys(funnel["step"]))}
    groups.sort(key=lambda group: (order[group[0][0]], group[0][1] == KEPT))
    return Table(
        name="funnel",
        caption="Rows that every step dropped or kept, and their share of the rows of the source that came into it.",
        data=funnel,
        header=["step", "reason", *(bounded(source, 30) for source in sources), "all"],
        rows=[_funnel_cells(*key, rows, sources, funnel) for key, rows in groups],
        text_columns=2,
        strong=frozenset(place for place, (key, _) in enumerate(groups) if key[1] == KEPT),
    )


def _funnel_cells(step: str, reason: str, rows: pd.DataFrame, sources: list[str], funnel: pd.DataFrame) -> list[str]:
    came = funnel[funnel["step"] == step].drop_duplicates("source")["rows_in"].sum()
    by_source = rows.groupby("source")[["rows", "rows_in"]].sum().reindex(sources)
    cells = [_with_share(*row) for row in by_source.itertuples(index=False)]
    return [bounded(step), bounded(reason), *cells, _with_share(rows["rows"].sum(), came)]


def _with_share(rows: float, of: float) -> str:
    if pd.isna(rows):
        return NOTHING
    return f"{count(rows)} ({percent(rows / of)} %)" if of else count(rows)


def set_table(downloads: pd.DataFrame) -> Table:
    """Returns one row a set and source: rows that were asked for, and those that arrived."""
    return _success_table("download-sets", downloads, ["set", "source"], "Images asked for and arrived, by set.")


def host_table(downloads: pd.DataFrame) -> Table:
    """Returns the hosts with most rows as they are shown; the raw values hold all of them."""
    hosts = downloads["host"].nunique()
    caption = f"The {min(HOSTS, hosts)} largest of {plural(hosts, 'host')}; tables/download-hosts.csv has all."
    return _success_table("download-hosts", downloads, ["host"], caption, by_size=True, limit=HOSTS)


def _success_table(
    name: str, downloads: pd.DataFrame, keys: list[str], caption: str, by_size: bool = False, limit: int | None = None
) -> Table:
    facts = pd.DataFrame([_success_facts(keys, key, rows) for key, rows in downloads.groupby(keys, sort=False)])
    if by_size:
        facts = facts.sort_values(["rows", *keys], ascending=[False, *(True for _ in keys)], ignore_index=True)
    return Table(
        name=name,
        caption=caption,
        data=facts,
        header=[*keys, "most frequent failure", "rows", "arrived", "arrived %"],
        rows=[
            [
                *(bounded(row[key]) or NOTHING for key in keys),
                bounded(row["failure"], 40) or NOTHING,
                count(row["rows"]),
                count(row["arrived"]),
                percent(row["arrived"] / row["rows"]) if row["rows"] else NOTHING,
            ]
            for row in facts.head(limit or len(facts)).to_dict("records")
        ],
        text_columns=len(keys) + 1,
    )


def _success_facts(keys: list[str], key: tuple[str, ...], rows: pd.DataFrame) -> dict[str, Any]:
    lost = rows[rows["status"] != SUCCESS].groupby("status")["rows"].sum()
    return dict(zip(keys, key, strict=True)) | {
        "rows": rows["rows"].sum(),
        "arrived": rows.loc[rows["status"] == SUCCESS, "rows"].sum(),
        "failure": lost.idxmax() if lost.sum() else "",
    }
