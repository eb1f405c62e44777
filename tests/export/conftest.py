"""The tiny encoders of the tests of encoders serve here too."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "encoders"))


@pytest.fixture(scope="session")
def study(tmp_path_factory):
    """A study with pooled features that was trained, evaluated and exported."""
    from tiny_pairs import make_study

    from ligature.export import export_pair

    layout = make_study(tmp_path_factory.mktemp("study"))
    export_pair(layout, "vit", "bert")
    return layout


@pytest.fixture
def model(study, tmp_path):
    """A copy of the exported folder, to be damaged."""
    import shutil

    return shutil.copytree(study.model, tmp_path / "model")


@pytest.fixture(scope="session")
def pair(study):
    """The exported pair, loaded."""
    from ligature.export import AlignedModel

    return AlignedModel.from_pretrained(study.model)
