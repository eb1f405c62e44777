"""The verb that lists the published encoders and prints them for a study's file."""

import pytest
import typer
import yaml
from typer.testing import CliRunner

from ligature.cli.published import encoder_table, published_encoders, study_lines
from ligature.encoders.published import LEFT_OUT, PUBLISHED_ENCODERS, PUBLISHED_NOTES
from ligature.errors import EncoderError
from ligature.params.encoders import EncodersParams


def run(*names):
    app = typer.Typer()
    app.command()(published_encoders)
    return CliRunner().invoke(app, list(names))


def test_every_encoder_is_a_line_of_the_table_with_its_layer_pooling_and_note():
    header, *lines = encoder_table().splitlines()
    assert header.split() == ["name", "source", "module", "pooling", "note"]
    assert len(lines) == len(PUBLISHED_ENCODERS) + len(LEFT_OUT)
    starts = [header.index(column) for column in header.split()]
    for line, (name, entry) in zip(lines, PUBLISHED_ENCODERS.items(), strict=False):
        cells = [line[start:end].strip() for start, end in zip(starts, [*starts[1:], None], strict=True)]
        assert cells[0] == name
        assert cells[1].split("@")[0] == entry.source
        assert cells[2:] == [getattr(entry, "module", None) or "-", entry.pooling, PUBLISHED_NOTES[name]]
    assert lines[-1].startswith("left out: sam-embed, ")


def test_revisions_stand_behind_their_source():
    assert "facebook/detr-resnet-50@no_timm " in encoder_table()
    assert "facebook/dinov2-large " in encoder_table()


def test_printed_lines_pasted_into_a_study_are_the_entries():
    lines = study_lines(list(PUBLISHED_ENCODERS))
    read = yaml.safe_load(f"encoders:\n{lines}")["encoders"]
    block = EncodersParams.model_validate(read)
    assert {entry.name: entry for entry in [*block.vision, *block.text]} == PUBLISHED_ENCODERS
    for note in PUBLISHED_NOTES.values():
        assert f"    # {note}\n" in lines


def test_only_the_sides_and_names_asked_for_are_printed_once_each():
    read = yaml.safe_load(study_lines(["sam", "vit", "sam"]))
    assert read == {
        "vision": [
            {
                "name": "sam",
                "loader": "transformers",
                "source": "facebook/sam-vit-huge",
                "module": "layers.31",
                "pooling": "mean",
            },
            {"name": "vit", "loader": "transformers", "source": "google/vit-base-patch16-384", "pooling": "cls"},
        ]
    }
    assert list(yaml.safe_load(study_lines(["allroberta"]))) == ["text"]


def test_the_verb_lists_without_names_and_prints_with_them():
    assert run().output == encoder_table()
    assert run("dpt", "clip-text").output == study_lines(["dpt", "clip-text"])


@pytest.mark.parametrize("name", ["detr", "sam-embed"])
def test_an_unknown_name_is_an_error_of_one_line(name):
    error = run("dpt", name).exception
    assert isinstance(error, EncoderError)
    assert repr(name) in str(error)
    assert "\n" not in str(error)
