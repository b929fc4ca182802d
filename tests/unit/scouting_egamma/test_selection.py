"""Categories, qualities, cuts and the regions of the response plane."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.studies.scouting_egamma.data.geometry import category_of, ieta_of, module_place, signed_eta_index
from hitforge.studies.scouting_egamma.data.high_level import features_of
from hitforge.studies.scouting_egamma.data.selection import (
    observable_cuts,
    passes_observable,
    quality_of,
    select,
)
from hitforge.studies.scouting_egamma.evaluation.response import region_of
from hitforge.studies.scouting_egamma.features import FEATURE_NAMES
from tests.unit.scouting_egamma.builders import changed, simulated

CANDIDATES = simulated()
FOUND = CANDIDATES.take(select(CANDIDATES)[0])
FEATURES = features_of(FOUND)


def test_cut_flow_counts() -> None:
    passed, flow = select(changed(CANDIDATES, e_reco=np.where(np.arange(len(CANDIDATES)) < 5, 0, 1)))
    assert flow["all"] == len(CANDIDATES) and flow["energy found"] == len(CANDIDATES) - 5
    assert passed.sum() == flow["energy in the 5 x 5"]


def test_categories() -> None:
    assert category_of(np.array([1, 0, 1, 0]), np.array([1, 1, 0, 0])).tolist() == [0, 1, 2, 3]


def test_indices_have_no_gap_at_zero() -> None:
    ieta = np.array([-85, -1, 1, 85])
    assert signed_eta_index(ieta).tolist() == [-85, -1, 0, 84]
    assert ieta_of(signed_eta_index(ieta)).tolist() == ieta.tolist()
    assert module_place(np.array([1, 25, 26, 45, -85])).tolist() == [1, 0, 1, 0, 0]


def test_quality_row_by_row() -> None:
    column = {name: FEATURES[:, i] for i, name in enumerate(FEATURE_NAMES)}
    found = quality_of(FEATURES)
    for n in range(400):
        if column["dead"][n]:
            expected = 2
        elif column["is_eb"][n]:
            expected = 0 if column["d_sm"][n] > 1 and column["d_mod"][n] > 1 else 1
        else:
            expected = 0 if 1.566 < abs(column["eta"][n]) < 2.4 and 18 < column["radius"][n] < 46 else 1
        assert found[n] == expected


def test_good_candidates_are_measured_better() -> None:
    response = FOUND["e_reco"] / FOUND.true_energy
    quality = quality_of(FEATURES)
    spread = [np.subtract(*np.quantile(response[quality == k], [0.9, 0.1])) for k in (0, 1, 2)]
    assert spread[0] < 0.5 * spread[1] and spread[0] < spread[2]


def test_observable_cuts_keep_most_of_the_core() -> None:
    response = FOUND["e_reco"] / FOUND.true_energy
    passed = passes_observable(FEATURES)
    assert (passed == np.all(list(observable_cuts(FEATURES).values()), axis=0)).all()
    assert passed[np.abs(response - 1) < 0.03].mean() > passed[response < 0.6].mean()


@pytest.mark.parametrize(
    ("response", "e5x5", "region"),
    [(1.0, 0.97, 1), (0.995, 0.99, 1), (0.7, 0.7, 2), (0.0, 0.0, 3), (0.4, 0.9, 4), (1.0, 0.4, 4)],
)
def test_regions(response: float, e5x5: float, region: int) -> None:
    assert region_of(np.array([response]), np.array([e5x5]), 0.02).tolist() == [region]
