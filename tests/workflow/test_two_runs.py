"""The comparison of two runs."""

from __future__ import annotations

import json
from math import hypot
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401 (its filters)
import pytest

from hitforge.cli import main
from hitforge.stages.compare_runs import ComparedNumber, StudyComparison, compare_runs

pytestmark = pytest.mark.workflow
STUDY = "results/calo_muon"


QUANTITY = ("hl_only", "MI held-out")  # the samples are too small for the others


@pytest.fixture
def other(production: Path) -> Path:
    """Another run of the same study."""
    return production / STUDY


def compared(first: Path, second: Path) -> tuple[ComparedNumber, StudyComparison]:
    (found,) = compare_runs(first, second)
    return next(number for number in found.numbers if (number.model, number.quantity) == QUANTITY), found


def test_the_same_run_differs_by_nothing(finished: Path, other: Path) -> None:
    number, found = compared(finished / "results", other.parent)
    assert number.paired and (number.shift.value, number.shift.error) == (0, 0)
    assert all(number.shift.reason for number in found.numbers if number.shift.value is None)
    assert found.settings == () == found.samples


def test_shift_of_the_same_events_has_a_paired_error(finished: Path, other: Path) -> None:
    calibration = json.loads((other / "calibration/hl_only.json").read_text())
    calibration["ensemble"] = calibration["members"][0]
    (other / "calibration/hl_only.json").write_text(json.dumps(calibration))
    for path in (other / "predictions/hl_only").rglob("*.h5"):
        with h5py.File(path, "r+") as handle:
            if len(handle["entry"]):
                handle["ensemble/energy"][:] = handle["members/energy"][:, 0]
    number, _ = compared(finished / STUDY, other)
    apart = hypot(*(float(each.error or 0) for each in number.numbers))
    assert number.paired and 0 < float(number.shift.error or 0) < apart


def test_other_events_have_independent_errors(finished: Path, other: Path) -> None:
    sorted((other / "predictions/hl_only/train").glob("*.h5"))[0].unlink()
    number, found = compared(finished / STUDY, other)
    assert not number.paired and "other events" in found.unpaired["held-out"]
    errors = [float(each.error or 0) for each in number.numbers]
    assert min(errors) > 0 and number.shift.error == pytest.approx(hypot(*errors))


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
