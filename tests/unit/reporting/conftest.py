"""One fabricated production for all tests of the report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hitforge.reporting.chapter import ReportInputs
from hitforge.stages.report import make_figures, make_tables
from hitforge.studies.base import Study
from tests.unit.reporting.fabricate import fabricate


@dataclass(frozen=True)
class Report:
    """A study, its inputs, and the folders of its tables and figures."""

    study: Study[Any]
    inputs: ReportInputs
    tables: Path
    figures: Path


@pytest.fixture(scope="session")
def production(tmp_path_factory: pytest.TempPathFactory) -> tuple[Study[Any], ReportInputs]:
    """Artefacts of a production with few muons: some numbers are null with a reason."""
    return fabricate(tmp_path_factory.mktemp("production"), n_heldout=900, n_test=30, bootstraps=10)


@pytest.fixture(scope="session")
def report(production: tuple[Study[Any], ReportInputs], tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Tables and figures of that production."""
    study, inputs = production
    folder = tmp_path_factory.mktemp("report")
    make_tables(study, inputs, folder / "tables")
    make_figures(study, inputs, folder / "figures")
    return Report(study, inputs, folder / "tables", folder / "figures")
