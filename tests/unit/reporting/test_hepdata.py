"""HEPData submissions: what becomes of columns, errors and bins, held against HEPData's own validator."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from hitforge.provenance import OutputError
from hitforge.reporting.chapter import Column, Measured, Table
from hitforge.reporting.hepdata import data_file, is_submitted, write_submission

TABLE = Table(
    name="resolution",
    title="Resolution",
    caption="In bins.",
    columns=(
        Column(key="model", label="Model"),
        Column(key="energy", label="Energy", unit="GeV"),
        Column(key="n", label="Muons"),
        Column(key="resolution", label="Resolution", unit="%"),
    ),
    rows=(
        ("cnn", "100–880", 12, Measured(value=10.25, error=0.5)),
        ("cnn", "880–1660.5", None, Measured(value=None, reason="fewer than 3 muons")),
        ("bdt", "880–1660.5", 3, Measured(value=1 / 3, error=0.0)),
        ("bdt", "all", 3, None),
    ),
    notes=("A note.",),
)
WORDS = Table(
    name="words", title="Words", caption="", columns=(Column(key="model", label="Model"),), rows=(("cnn",), ("bdt",))
)


def values(variable: dict[str, Any]) -> list[Any]:
    return [entry.get("value", (entry.get("low"), entry.get("high"))) for entry in variable["values"]]


def test_columns_with_errors_depend_on_the_others() -> None:
    found = data_file(TABLE, "calo_muon")
    model, energy, n = found["independent_variables"]
    assert values(model) == ["cnn", "cnn", "bdt", "bdt"] and model["header"] == {"name": "Model"}
    assert values(energy) == [(100.0, 880.0), (880.0, 1660.5), (880.0, 1660.5), "all"]
    assert energy["header"] == {"name": "Energy", "units": "GeV"}
    assert values(n) == [12, "-", 3, 3]
    (resolution,) = found["dependent_variables"]
    assert resolution["header"] == {"name": "Resolution", "units": "%"}
    assert {"name": "Study", "value": "calo_muon"} in resolution["qualifiers"]
    # HEPData takes no error of zero
    assert resolution["values"] == [
        {"value": 10.25, "errors": [{"symerror": 0.5, "label": "uncertainty"}]},
        {"value": "-"},
        {"value": 0.3333333333},
        {"value": "-"},
    ]


def test_edges_in_two_columns_become_bins() -> None:
    columns = (
        Column(key="low", label="pT from", unit="GeV"),
        Column(key="high", label="pT to", unit="GeV"),
        Column(key="bias", label="Bias"),
    )
    table = Table(name="r", title="", caption="", columns=columns, rows=((2.0, 3.0, Measured(value=1.0, error=0.1)),))
    (axis,) = data_file(table, "s")["independent_variables"]
    assert axis == {"header": {"name": "pT", "units": "GeV"}, "values": [{"low": 2.0, "high": 3.0}]}


def test_a_table_without_measured_numbers_is_none_for_hepdata() -> None:
    assert is_submitted(TABLE) and not is_submitted(WORDS)
    alone = TABLE.model_copy(update={"columns": TABLE.columns[3:], "rows": tuple(row[3:] for row in TABLE.rows)})
    assert not is_submitted(alone)


def test_the_submission_lists_its_tables_and_says_why_numbers_are_missing(tmp_path: Path) -> None:
    folder = tmp_path / "submission"
    write_submission([TABLE], "calo_muon", folder)
    first, second = yaml.safe_load_all((folder / "submission.yaml").read_text())
    assert "calo_muon" in first["comment"]
    assert second["data_file"] == "resolution.yaml"
    assert second["description"] == "Resolution. In bins. A note. Missing numbers: fewer than 3 muons."
    assert yaml.safe_load((folder / "resolution.yaml").read_text()) == data_file(TABLE, "calo_muon")
    assert "&id" not in (folder / "resolution.yaml").read_text()
    with pytest.raises(OutputError, match="not empty"):
        write_submission([TABLE], "calo_muon", folder)


@pytest.mark.skipif(find_spec("hepdata_validator") is None, reason="needs the extra: pip install hitforge[hepdata]")
def test_hepdata_would_take_it(tmp_path: Path) -> None:
    def verdict() -> int:
        # in a process of its own: the validator leaves files open
        check = "import sys; from hepdata_validator.cli import validate; validate(sys.argv[1:])"
        return subprocess.run([sys.executable, "-c", check, "-d", str(tmp_path / "it")], capture_output=True).returncode

    two = Table.model_validate(TABLE.model_dump() | {"name": "a_second_one"})
    write_submission([TABLE, two], "calo_muon", tmp_path / "it")
    assert verdict() == 0
    (tmp_path / "it/resolution.yaml").write_text("independent_variables: []\n")
    assert verdict() == 1
