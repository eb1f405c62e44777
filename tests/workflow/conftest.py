"""Projects for the tests of the workflow: a light study not yet run, and a curated one that has run to its end."""

import pytest
from study_project import Project, curated_study, light_study


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path, light_study())


@pytest.fixture(scope="session")
def curated_project(tmp_path_factory):
    """A project whose curated study has run to its end; tests leave it up to date."""
    values = curated_study()
    values["download"]["chunks"] = 1
    values["embed"]["shard_rows"] = 20
    project = Project(tmp_path_factory.mktemp("curated"), values)
    project.run("snakemake", "--cores", "2")
    return project
