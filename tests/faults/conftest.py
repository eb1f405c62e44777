"""One finished study that nothing was done to, with which the hurt ones are compared; and the count of faults."""

import csv
import os
import subprocess
from pathlib import Path

import pytest
from fault_harness import copy_of, fingerprint, finished_project, run_to_the_end, small_disk
from fault_study import fault_study
from study_project import Project

FAULTS: list[tuple[str, bool]] = []
"""Every fault that was tried, and whether the study survived it."""
TABLE = Path(__file__).parents[2] / "build" / "faults.csv"


@pytest.fixture(scope="session")
def unhurt(tmp_path_factory):
    """Returns the finished study and the fingerprint of its results; tests copy it and leave it as it is.

    ``LIGATURE_UNHURT`` names a folder where it stands already, which saves making it.
    """
    folder = os.environ.get("LIGATURE_UNHURT")
    project = (
        finished_project(folder) if folder else Project(tmp_path_factory.mktemp("unhurt") / "study", fault_study())
    )
    run_to_the_end(project, tries=1)
    return project, fingerprint(project)


@pytest.fixture
def hurt(unhurt, tmp_path):
    """Returns a copy of the finished study, to be hurt, and the fingerprint it must end with."""
    project, expected = unhurt
    return copy_of(project, tmp_path / "study"), expected


@pytest.fixture
def fresh(tmp_path):
    """Returns a study that has not been run."""
    return Project(tmp_path / "study", fault_study())


@pytest.fixture
def mounts(tmp_path):
    """Skips where this user may not mount file systems, which filling a disk and closing a folder take."""
    try:
        with small_disk(tmp_path / "probe", 64):
            return
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this user may not mount file systems, so no disk can be filled and no folder closed")


@pytest.fixture
def tried(request):
    """Returns the function that notes a fault; it counts as survived when the test goes on to pass."""
    faults: list[str] = []
    yield faults.append
    report = getattr(request.node, "report_of_call", None)
    FAULTS.extend((fault, bool(report and report.passed)) for fault in faults)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Lets the fixture know how the test ended."""
    report = yield
    if report.when == "call":
        item.report_of_call = report
    return report


def pytest_terminal_summary(terminalreporter):
    """Says how many faults were tried and survived, and writes the table of them."""
    if not FAULTS:
        return
    survived = sum(outcome for _, outcome in FAULTS)
    terminalreporter.write_line(f"faults: {len(FAULTS)} tried, {survived} survived")
    TABLE.parent.mkdir(exist_ok=True)
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("fault", "survived"), *FAULTS])
    for fault, outcome in FAULTS:
        if not outcome:
            terminalreporter.write_line(f"  not survived: {fault}")
