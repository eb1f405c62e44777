"""The declared numbers: what a user can get wrong in them, and what takes their place."""

import shutil

import pytest
from plan_examples import RESOURCES

from ligature.errors import ParamsError
from ligature.planning import read_tables
from ligature.planning.tables import COLUMNS


@pytest.fixture
def folder(tmp_path):
    for name in COLUMNS:
        shutil.copy(RESOURCES / f"{name}.csv", tmp_path)
    return tmp_path


def test_every_rate_and_quantity_says_where_it_is_from():
    tables = read_tables(RESOURCES)
    for entry in [*tables.rates.values(), *tables.quantities.values()]:
        assert entry.source.partition(":")[0] in {"measured", "computed", "assumed"} or entry.source.startswith("COCO")
    assert all(
        rate.source.startswith(("computed", "assumed")) for rate in tables.rates.values() if rate.device == "gpu"
    )


def test_a_step_has_one_unit_on_every_device():
    units = {}
    for rate in read_tables(RESOURCES).rates.values():
        assert units.setdefault(rate.step, rate.unit) == rate.unit


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("rates", "encode,gpu,FLOP,3.96e14", "encode,gpu,FLOP,fast", r"rates.csv: row encode: 'fast' is not a number"),
        ("rates", "encode,gpu", "encode,tpu", r"rates.csv: row encode: device 'tpu' is neither cpu nor gpu"),
        ("rates", "step,device", "step,where", r"rates.csv: its columns must be step, device, unit, rate, source"),
        ("quantities", ",18,tokens", ",-1,tokens", r"quantities.csv: row tokens of a caption: '-1' is not a number"),
        ("sizes", "dtd,val,,1880,47,", "dtd,val,1880,", r"sizes.csv: row \d+ has not 6 fields"),
        ("architectures", "small,vision,12", "small,vision,many", "'many' is not a number above 0"),
    ],
)
def test_a_wrong_row_is_one_line(folder, name, old, new, words):
    path = folder / f"{name}.csv"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ParamsError, match=words):
        read_tables(folder)


def test_a_missing_table_is_named(folder):
    (folder / "rates.csv").unlink()
    with pytest.raises(ParamsError, match=r"rates.csv: cannot be read"):
        read_tables(folder)


def test_a_given_rate_takes_the_place_of_the_declared_on_every_device():
    tables = read_tables(RESOURCES).given({"encode": 5.0, "share of links that answer": 0.5})
    assert {key: rate.per_second for key, rate in tables.rates.items() if key[0] == "encode"} == {
        ("encode", "cpu"): 5.0,
        ("encode", "gpu"): 5.0,
    }
    assert tables.rates["encode", "gpu"].source == "given"
    assert tables.quantities["share of links that answer"].value == 0.5
    assert tables.rates["train", "gpu"] == read_tables(RESOURCES).rates["train", "gpu"]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("fly", 1.0, "'fly': unknown; known: start, .*encode, .*tokens of a caption"),
        ("encode", 0.0, "above 0"),
        ("encode", float("nan"), "above 0"),
    ],
)
def test_a_wrong_given_number_is_one_line(name, value, words):
    with pytest.raises(ParamsError, match=words):
        read_tables(RESOURCES).given({name: value})
