"""The comparison of two runs; its oracle is the comparison of models within one run."""

from __future__ import annotations

import json
import shutil
from math import hypot
from pathlib import Path

import pytest

from hitforge.cli import main
from hitforge.evaluation.differences import find
from hitforge.stages.compare_runs import compare_runs

pytestmark = pytest.mark.workflow
STUDY = "results/calo_muon"


@pytest.fixture
def other(production: Path) -> Path:
    """A run that calls ``bdt`` what the finished one calls ``hl_only``."""
    folder = production / STUDY
    for kind in ("metrics", "calibration"):
        shutil.copy(folder / kind / "hl_only.json", folder / kind / "bdt.json")
    shutil.rmtree(folder / "predictions/bdt")
    shutil.copytree(folder / "predictions/hl_only", folder / "predictions/bdt")
    return folder


def test_shift_and_error_are_those_of_the_comparison_of_models(finished: Path, other: Path) -> None:
    (found,) = compare_runs(finished / "results", other.parent)
    samples = json.loads((finished / STUDY / "comparison.json").read_text())["samples"]
    compared = 0
    for number in found.numbers:
        if number.model == "hl_only":
            assert number.shift.value in (0, None)
        elif number.quantity == "information test":
            wanted = find(samples["test"], "hl_only", "bdt", "information_bits")
            assert wanted is not None and number.paired
            assert number.shift.value == pytest.approx(wanted["value"])
            assert number.shift.error == pytest.approx(wanted["error"])
            compared += 1
    assert compared == 1
    assert found.settings == () == found.samples


def test_other_events_have_independent_errors(finished: Path, other: Path) -> None:
    blocks = sorted((other / "predictions/bdt/test").glob("*.h5"))
    blocks[0].unlink()
    (found,) = compare_runs(finished / STUDY, other)
    number = next(n for n in found.numbers if (n.model, n.quantity) == ("bdt", "information test"))
    assert not number.paired and "other events" in found.unpaired["test"]
    assert None not in (number.numbers[0].error, number.numbers[1].error)
    assert number.shift.error == pytest.approx(hypot(*(float(n.error or 0) for n in number.numbers)))


def test_the_page_names_settings_that_differ(finished: Path, other: Path, tmp_path: Path) -> None:
    path = other / "tables/chapter.json"
    chapter = json.loads(path.read_text())
    chapter["settings"]["models"]["bdt"]["trees"]["rounds"] = 4321
    path.write_text(json.dumps(chapter))
    assert main(["compare", str(finished / "results"), str(other), "--out", str(tmp_path / "page.html")]) == 0
    page = (tmp_path / "page.html").read_text()
    assert "models.bdt.trees.rounds" in page and "4321" in page
    assert "A and B, the same" in page


def test_a_folder_without_a_report_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(tmp_path), str(tmp_path)]) == 2
    assert "no study with a report" in capsys.readouterr().err
