from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from hitforge.evaluation.differences import row_of
from hitforge.published import Aim, Published, model_named
from hitforge.reporting.aims import AIM, AIMED_MODEL, LIMIT, aim_row, aim_table
from hitforge.reporting.chapter import MODEL, Measured, column, columns_by, make_table, text_column
from hitforge.reporting.difference_table import differences
from hitforge.reporting.tables import read_table, write_table
from tests.unit.reporting.toy import toy_inputs


def number(value: float, error: float = 0.01) -> dict[str, Any]:
    return {"value": value, "error": error, "reason": None}


def test_a_column_gets_its_cell_from_the_row(tmp_path: Path) -> None:
    columns = (MODEL, column("n", "Length", len, "m", detail=True), text_column("up", "In capitals", str.upper))
    table = make_table("t", "T", "C.", columns, ["ab", "c"], empty="none", highlight=lambda row: row == "c")
    assert table.rows == (("ab", 2, "AB"), ("c", 1, "C")) and table.highlight == (1,) and table.empty is None
    assert make_table("t", "T", "C.", columns, [], empty="none").empty == "none"
    numbers = columns_by({"a": ("A", "m"), "b": ("B", "")}, lambda row, key: row.count(key))
    assert make_table("t", "T", "C.", numbers, ["aab"]).rows == ((2, 1),) and numbers[0].unit == "m"
    write_table(table, tmp_path)
    read = read_table(tmp_path, "t")
    assert read.rows == table.rows
    assert [(c.key, c.label, c.unit, c.align, c.detail) for c in read.columns] == [
        ("model", "Model", "", "left", False),
        ("n", "Length", "m", "right", True),
        ("up", "In capitals", "", "left", False),
    ]


ROWS = [
    row_of("b", "a", "accuracy", number(0.02)),
    row_of("a", "c", "accuracy", number(0.03, 0.02)),
    row_of("b", "a", "accuracy", number(0.05), {"eta": "low"}),
]


def test_differences_are_to_the_reference_whichever_way_round_the_pair_stands(tmp_path: Path) -> None:
    inputs = toy_inputs(tmp_path, {"a": {}, "b": {}, "c": {}}, ROWS, {"reference_model": "a"})
    table = differences(inputs, {"accuracy": ("Accuracy", "%")}, note="Positive is better.")
    assert [c.key for c in table.columns] == ["model", "accuracy", "accuracy_sigma"]
    first, second = table.rows
    assert first == ("b", Measured(value=2.0, error=1.0), Measured(value=2.0, decimals=1))
    assert second[1] == Measured(value=-3.0, error=2.0)
    assert "test events" in table.caption and table.caption.endswith("Positive is better.")
    alone = dataclasses.replace(inputs, metrics={"a": inputs.metrics["a"]})
    assert differences(alone, {"accuracy": ("Accuracy", "%")}).empty == "only one model was run"


def test_restrictions_stand_side_by_side_or_below_each_other(tmp_path: Path) -> None:
    inputs = toy_inputs(tmp_path, {"a": {}, "b": {}}, ROWS, {"reference_model": "a"})
    where = {"all": {}, "low |η|": {"eta": "low"}}
    wide = differences(inputs, {"accuracy": ("Accuracy", "%")}, across=where)
    assert [c.key for c in wide.columns[1::2]] == ["accuracy_all", "accuracy_low_η"]
    assert wide.columns[3].label == "Accuracy, low |η|" and wide.columns[4].detail
    long = differences(inputs, {"accuracy": ("Accuracy", "%")}, down=("Muons", where))
    assert [row[1] for row in long.rows] == ["all", "low |η|"]
    assert [row[2] for row in long.rows] == [wide.rows[0][1], wide.rows[0][3]]


def test_aims_follow_the_models_of_the_configuration(tmp_path: Path) -> None:
    settings = {"reference_model": "a", "baseline_model": "c", "evaluation": {"best": "b", "least": 20.0}}
    inputs = toy_inputs(tmp_path, {"a": {}, "b": {}, "c": {}}, ROWS, settings)
    assert inputs.baseline == "c"

    def numbers_of(_: Any, model: str) -> dict[str, Measured]:
        return {"bias": Measured(value=-0.5, error=0.1)} if model == "a" else {}

    aims = (
        Aim(text="{model} {size:g} points above {against}", model="evaluation.best", against="reference_model",
            quantity="accuracy", limit=1.0, sign=1, percent=True),
        Aim(text="bias of {model} above {settings[evaluation][least]:g} GeV", model="reference_model", quantity="bias",
            limit=0.2, sign=-1, absolute=True),
        Aim(text="width", model="b", quantity="width", limit=3.0, sign=-1),
        Aim(text="new", model="d", against="baseline_model", quantity="accuracy", sign=1),
    )  # fmt: skip
    rows = [aim_row(inputs, aim, numbers_of) for aim in aims]
    table = aim_table(rows, "Open within {sigmas} errors.", (AIM, LIMIT, AIMED_MODEL), "%")
    assert table.caption == "Open within 2 errors."
    assert table.rows == (
        ("b 1 points above a", "that of a", "b", Measured(value=1.0, error=1.0), "open"),
        ("bias of a above 20 GeV", "≤ 0.2", "a", Measured(value=0.3, error=0.1), "missed"),
        ("width", "≤ 3", "b", Measured(value=None, reason="b was not run"), "not measured"),
        ("new", "that of c", "d", Measured(value=None, reason="d and c were not both run"), "not measured"),
    )
    with pytest.raises(ValueError, match=r"setting evaluation\.worst, which is not set"):
        model_named("evaluation.worst", settings)


def test_published_values_name_their_sources() -> None:
    results = [
        {"source": "paper", "quantity": "accuracy", "model": "cnn", "value": 84.0, "decimals": 0},
        {"source": "paper", "quantity": "accuracy", "value": 80.0, "about": {"table": "loss"}},
    ]
    published = Published.model_validate({"sources": {"paper": "A. Author"}, "results": results})
    assert published.source == "A. Author"
    assert published.find("accuracy", table="loss") == published.results[1]
    assert published.find("accuracy", "cnn") == published.results[0] and published.find("accuracy", "bdt") is None
    with pytest.raises(ValueError, match="source 'paper' is not listed"):
        Published.model_validate({"results": results})
