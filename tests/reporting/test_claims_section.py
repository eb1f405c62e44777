"""The ledger of claims on the page."""

from dataclasses import fields

import pandas as pd

from ligature.reporting.claims import CLAIM_COLUMNS, Evidence, claims_section, claims_table

RESULT_COLUMNS = ("task", "dataset", "split", "model", "protocol", "metric", "value", "n", "seed", "variant")


def claim(name: str, status: str, **row: object) -> dict:
    usual = {"claim": name, "published": "T1: 1 against 2", "status": status, "measure": "top-1, a minus b"}
    figures = {"effect": 0.1234, "low": 0.05, "high": 0.2, "n": 3, "interval": "Student's t over 3 seeds", "note": ""}
    return usual | figures | row


def untested(name: str) -> dict:
    empty = dict.fromkeys(("measure", "effect", "low", "high", "n", "interval"))
    return claim(name, "not tested", **empty | {"note": "takes a sweep"})


def section_of(*rows: dict):
    return claims_section(pd.DataFrame(rows, columns=list(CLAIM_COLUMNS)))


def test_the_summary_counts_every_status():
    rows = [claim("a", "holds"), claim("b", "does not hold"), untested("c"), untested("d")]
    assert "of 4 claims: 1 found to hold, 1 not found to hold, 2 not tested." in section_of(*rows).text[1]
    assert "of 1 claim: 0 found to hold, 0 not found to hold, 1 not tested." in section_of(untested("c")).text[1]


def test_a_tested_claim_shows_its_effect_with_its_interval():
    (table,) = section_of(claim("a", "does not hold", low=-0.05)).tables
    assert table.rows == [
        (
            "a",
            "T1: 1 against 2",
            "does not hold",
            "top-1, a minus b (Student's t over 3 seeds)",
            "+0.123",
            "−0.050 to +0.200",
        )
    ]
    assert table.muted == frozenset()


def test_an_untested_claim_says_what_it_takes():
    (table,) = section_of(claim("a", "holds"), untested("b")).tables
    assert table.rows[1][2:] == ("not tested", "takes a sweep", "–", "–")
    assert table.muted == {1}


def test_muted_rows_are_found_by_their_place_and_not_by_their_label():
    claims = pd.DataFrame([claim("a", "holds"), untested("b")], columns=list(CLAIM_COLUMNS), index=[7, 5])
    (table,) = claims_section(claims).tables
    assert table.muted == {1}


def test_the_ledger_of_a_study_without_evidence_is_shown_whole():
    nothing = pd.DataFrame(columns=[*RESULT_COLUMNS, "mix", "set"])
    claims = claims_table(Evidence(**{field.name: nothing for field in fields(Evidence)}))
    section = claims_section(claims)
    (table,) = section.tables
    assert (section.id, len(table.rows), len(table.muted)) == ("claims", len(claims), len(claims))
    assert all(len(row) == len(table.header) for row in table.rows)
    assert f"0 found to hold, 0 not found to hold, {len(claims)} not tested" in section.text[1]


def test_the_table_can_be_saved_and_escapes_what_it_shows(tmp_path):
    (table,) = section_of(claim("<b>a</b> | b", "holds")).tables
    table.save(tmp_path)
    assert "&lt;b&gt;a&lt;/b&gt; \\| b" in (tmp_path / "claims.md").read_text(encoding="utf-8")
    again = pd.read_csv(tmp_path / "claims.csv")
    assert list(again.columns) == list(CLAIM_COLUMNS)
    assert again["effect"].iloc[0] == 0.1234
