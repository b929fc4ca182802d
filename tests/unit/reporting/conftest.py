"""One fabricated production for all tests of the report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from hitforge.reporting.catalogue import Catalogue, load_catalogue
from hitforge.reporting.chapter import ReportInputs
from hitforge.stages.report_figures import make_figures
from hitforge.stages.report_tables import make_tables
from hitforge.studies.base import Study
from tests.unit.reporting.fabricate import fabricate
from tests.unit.reporting.invent import MODELS, invent


@dataclass(frozen=True)
class Report:
    """The catalogue and the inputs of a chapter, and the folders of its tables and figures."""

    catalogue: Catalogue
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
    catalogue, inputs = load_catalogue("calo_muon"), production[1]
    folder = tmp_path_factory.mktemp("report")
    make_tables(catalogue, inputs, folder / "tables")
    make_figures(catalogue, inputs, folder / "figures")
    return Report(catalogue, inputs, folder / "tables", folder / "figures")
