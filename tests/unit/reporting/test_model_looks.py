"""A model is known by its look in every figure, and few share a panel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hitforge.reporting.chapter import ReportInputs
from hitforge.reporting.model_looks import MOST, look_of, shown_models
from hitforge.reporting.plotting import overlay
from hitforge.reporting.style import GREYS
from tests.unit.reporting.toy import toy_inputs

MODELS = [f"m{k}" for k in range(12)]


def inputs_of(folder: Path, models: list[str] = MODELS, **settings: Any) -> ReportInputs:
    chosen = {"reference_model": "m5", "baseline_model": "m7", **settings}
    return toy_inputs(folder, {model: {"x": 1} for model in models}, settings=chosen)


def test_the_reference_and_few_others_share_a_panel(tmp_path: Path) -> None:
    inputs = inputs_of(tmp_path)
    assert shown_models(inputs) == ["m5", "m7", "m0", "m1"] and MOST == 4
    assert shown_models(inputs, ["m3", "m5", "m9"]) == ["m5", "m3", "m9"]


def test_models_that_the_configuration_names_are_drawn(tmp_path: Path) -> None:
    named = inputs_of(tmp_path, report={"show": ["m9", "m5", "m3", "m2", "m1", "not_run"]})
    # also where a figure would leave one out
    assert shown_models(named, ["m5", "m3"]) == ["m5", "m9", "m3", "m2", "m1"]
    assert shown_models(inputs_of(tmp_path, report={"show": ["not_run"]})) == ["m5", "m7", "m0", "m1"]


def test_a_model_keeps_its_look_whatever_else_is_drawn(tmp_path: Path) -> None:
    inputs = inputs_of(tmp_path)
    looks = {model: look_of(inputs, model) for model in MODELS}
    assert len({look[1:] for look in looks.values()}) == len(MODELS)
    assert not {look.colour for look in looks.values()} & set(GREYS)
    for drawn in (["m5", "m9"], ["m9"], MODELS):
        place, colour, _ = overlay(inputs, drawn, "x")["m9"]
        assert (place, colour) == looks["m9"][:2]


def test_models_of_a_panel_differ_in_colour(tmp_path: Path) -> None:
    inputs = inputs_of(tmp_path, report={"show": ["m7", "m11", "m10"]})
    assert len({look_of(inputs, model).colour for model in shown_models(inputs)}) == MOST


def test_reference_and_baseline_look_alike_in_every_run(tmp_path: Path) -> None:
    all_of_them, few = inputs_of(tmp_path), inputs_of(tmp_path, ["m11", "m7", "m5"])
    for model in ("m5", "m7"):
        assert look_of(all_of_them, model) == look_of(few, model)
