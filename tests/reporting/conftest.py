"""Reports, with and without curation, built once and looked at by many tests."""

from pathlib import Path

import pytest
from curation_inputs import write_curation
from reporting_inputs import HOSTILE, STORES, small_study, write_inputs

from ligature.reporting import ReportSources, write_report


@pytest.fixture(scope="session")
def results_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    write_inputs(folder, dataset=HOSTILE)
    return folder


@pytest.fixture(scope="session")
def report_folder(results_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    page = write_report(small_study(), ReportSources.in_folder(results_folder, STORES), folder)
    assert page == folder / "index.html"
    return folder


@pytest.fixture(scope="session")
def page(report_folder: Path) -> str:
    return (report_folder / "index.html").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def curated_results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("curated-results")
    write_inputs(folder)
    write_curation(folder)
    return folder


@pytest.fixture(scope="session")
def curated_report(curated_results: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("curated-report")
    write_report(small_study(), ReportSources.in_folder(curated_results, STORES), folder)
    return folder
