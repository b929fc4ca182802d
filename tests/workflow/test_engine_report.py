"""The engine's own report: what is marked for it, with words and place."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import pytest

from hitforge.reporting.catalogue import load_catalogue
from tests.workflow.running import REPOSITORY, Snakemake

pytestmark = pytest.mark.workflow


def test_it_has_every_table_and_figure_and_the_page(production: Path, snakemake: Snakemake) -> None:
    snakemake("--report", "report.zip", "--configfile", "tiny.yaml")
    with zipfile.ZipFile(production / "report.zip") as report:
        names = {Path(name).name for name in report.namelist()}
        text = report.read("report/report.html").decode()
    catalogue = load_catalogue("calo_muon")
    assert {*(f"{name}.csv" for name in catalogue.tables), *(f"{name}.svg" for name in catalogue.figures)} <= names
    assert "index.html" in names
    title = json.loads((production / "results/calo_muon/tables/headline.json").read_text())["title"]
    assert title in text


def test_every_rule_says_in_the_list_what_it_does(snakemake: Snakemake) -> None:
    listed = snakemake("--list-rules").output
    rules = re.findall(r"^(\w+)( \(.+\))?$", listed, re.MULTILINE)
    assert len(rules) > len(list((REPOSITORY / "workflow/rules").iterdir()))
    assert [name for name, words in rules if not words] == []
