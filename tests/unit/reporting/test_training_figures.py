"""Figures of the training from invented manifests."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from hitforge.provenance import write_json
from hitforge.reporting.chapter import ReportInputs
from hitforge.reporting.style import hep_style
from hitforge.reporting.training_figures import MOST_FEATURES, importances, loss_history, tuning_history
from tests.unit.reporting.toy import toy_inputs


def inputs_of(folder: Path, manifests: dict[str, Any]) -> ReportInputs:
    inputs = toy_inputs(folder, {model: {} for model in manifests})
    paths = {model: folder / model / "model.json" for model in manifests}
    for model, manifest in manifests.items():
        write_json(paths[model], manifest)
    return dataclasses.replace(inputs, manifests=paths)


def test_leading_features_have_a_bar_and_the_others_one_together(tmp_path: Path) -> None:
    gains = {f"f{k}": float(2**k) for k in range(20)}
    rows = [{"feature": name, "gain": gain, "weight": 1.0} for name, gain in gains.items()]
    with hep_style():
        (axes,) = importances(inputs_of(tmp_path, {"bdt": {"importances": rows}}), "the {}".format).figure.axes
    names = [tick.get_text() for tick in axes.get_yticklabels()]
    assert names == [f"the f{k}" for k in range(19, 19 - MOST_FEATURES, -1)] + ["the other 5 together"]
    widths = [bar.get_width() for bar in axes.patches]
    assert sum(widths) == pytest.approx(100.0)
    assert widths[-1] == pytest.approx(100.0 * (2**5 - 1) / (2**20 - 1))


def test_each_search_has_its_own_axes_and_whole_trials(tmp_path: Path) -> None:
    trials = {
        model: [{"number": k, "score": score, "params": {}} for k, score in enumerate(scores)]
        for model, scores in (("a", [3.0, 1.0, 2.0]), ("b", [0.03, None, 0.02]))
    }
    with hep_style():
        figure = tuning_history(inputs_of(tmp_path, {m: {"trials": t} for m, t in trials.items()}), "Loss").figure
    first, second = (axes for axes in figure.axes if axes.lines)
    assert list(first.lines[1].get_ydata()) == [3.0, 1.0, 1.0] and list(first.lines[0].get_xdata()) == [1, 2, 3]
    assert second.get_ylim()[1] < 1.0
    for axes in (first, second):
        assert all(float(place).is_integer() for place in axes.get_xticks()) and not len(axes.get_xticks(minor=True))


def test_boosters_and_members_are_called_so(tmp_path: Path) -> None:
    words = {}
    for kind, history in (
        ("booster", {"train": [2.0, 1.0], "monitor": [2.0, 1.5], "best_round": 1}),
        ("member", [{"epoch": 0, "train_loss": 2.0, "validation_loss": 2.5}]),
    ):
        for k in range(2):
            write_json(tmp_path / kind / f"part_{k}.json", {"history": history})
        members = [{"file": f"part_{k}.bin"} for k in range(2)]
        with hep_style():
            figure = loss_history(inputs_of(tmp_path, {kind: {"members": members}}), "Loss").figure
        words[kind] = [text.get_text() for text in figure.legends[0].get_texts()][3:]
    assert words == {kind: [f"{kind} 0", f"{kind} 1"] for kind in ("booster", "member")}
