"""Quality cuts, one after the other."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from hitforge.studies.csc_muon.data.cuts import CUT_NAMES, select
from hitforge.studies.csc_muon.data.roads import Roads
from hitforge.studies.csc_muon.settings import CutSettings
from tests.unit.csc_muon import oracles
from tests.unit.csc_muon.part_builders import some_roads


def test_flow_and_selection_like_the_oracle() -> None:
    roads = oracles.random_roads(500, 4)
    rng = np.random.default_rng(1)
    roads.parameters[:, 0] *= rng.choice([1, 1, 3, 1e-3], 500)
    roads.parameters[:, 2] *= rng.choice([1, 1, 1.3], 500)
    roads.parameters[5, 0] = np.nan
    left = dict.fromkeys(CUT_NAMES, 0)
    expected = []
    for row, (x, _, eta), mode in zip(roads.variables, roads.parameters, roads.mode, strict=True):
        hits = oracles.hits_of(row)
        steps = [
            True,
            bool(np.isfinite(x)),
            bool(2 <= 1 / abs(x) <= 7000),
            bool(1.2 <= abs(eta) <= 2.4),
            mode in (11, 13, 14, 15),
            bool({"me11", "me12", "me0"} & set(hits)),
            all(hits[name].time in (-1, 0) for name in oracles.NAMES[:5] if name in hits),
        ]
        for name, step in zip(CUT_NAMES, np.cumprod(steps), strict=True):
            left[name] += int(step)
        expected.append(all(steps))
    passed, flow = select(roads, CutSettings())
    assert passed.tolist() == expected
    assert flow == left
    assert 0 < flow["CSC bunch crossing"] < flow["all"] == 500
    assert len(set(flow.values())) >= 6


def test_late_csc_hits_are_cut() -> None:
    roads = some_roads()
    roads.variables[3, 36 + int(np.flatnonzero(roads.hit[3, :5])[0])] = 1
    passed, flow = select(roads, CutSettings(station1_hit=False))
    assert not passed[3]
    assert flow["ME1 or ME0 hit"] - flow["CSC bunch crossing"] == 1


def test_limits_of_the_gun_are_inside() -> None:
    few = some_roads().take(slice(0, 4))
    parameters = np.array([[0.5, 0, 1.2], [-0.5, 0, -2.4], [1 / 7000, 0, 2.4], [-1 / 7000, 0, 2]], dtype=np.float32)
    roads = Roads(few.variables, parameters, few.event, few.n_hits, few.mode, few.weight)
    assert select(roads, CutSettings())[1]["|eta|"] == 4


def test_empty_ranges_are_refused() -> None:
    with pytest.raises(ValidationError, match="below"):
        CutSettings(eta_min=2.4, eta_max=1.2)
