"""One fabricated production for all tests of the report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from hitforge.reporting.chapter import ReportInputs
from hitforge.stages.report_figures import make_figures
from hitforge.stages.report_tables import make_tables
from hitforge.studies.base import Study
from tests.unit.reporting.fabricate import fabricate
from tests.unit.reporting.invent import MODELS, invent


@dataclass(frozen=True)
class Report:
    """A study, its inputs, and the folders of its tables and figures."""

    study: Study
    inputs: ReportInputs
    tables: Path
    figures: Path


@pytest.fixture(scope="session")
def production(tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, ReportInputs]:
    """Artefacts of a production of three models with few muons, with invented numbers of what they know."""
    folder = tmp_path_factory.mktemp("production")
    study, fabricated = fabricate(folder / "fabricated", n_heldout=900, n_points=30, bootstraps=10)
    models = {name: MODELS[name] for name in ("bdt", "hl_only", "cnn")}
    return study, invent(fabricated, folder / "invented", models)


@pytest.fixture(scope="session")
def many(production: tuple[Study, ReportInputs], tmp_path_factory: pytest.TempPathFactory) -> ReportInputs:
    """The same production with all models of the presets."""
    return invent(production[1], tmp_path_factory.mktemp("many"))


@pytest.fixture(scope="session")
def report(production: tuple[Study, ReportInputs], tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Tables and figures of that production."""
    study, inputs = production
    folder = tmp_path_factory.mktemp("report")
    make_tables(study, inputs, folder / "tables")
    make_figures(study, inputs, folder / "figures")
    return Report(study, inputs, folder / "tables", folder / "figures")
