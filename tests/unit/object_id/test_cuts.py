"""Cuts on hand-made events."""

from __future__ import annotations

import numpy as np

from hitforge.studies.object_id.data.cuts import CUT_NAMES, CutSettings, select
from hitforge.studies.object_id.data.objects import ELECTRON, JET, TAU, Objects
from tests.unit.object_id.part_builders import some_objects


def event_of(label: list[int], eta: list[float], phi: list[float], pt: list[float], event: list[int]) -> Objects:
    n = len(label)
    good = some_objects().take(slice(0, n))
    made = {
        "image": np.ones_like(good.image),
        "label": np.array(label, np.int8),
        "eta": np.array(eta, np.float32),
        "phi": np.array(phi, np.float32),
        "pt": np.array(pt, np.float32),
        "event": np.array(event, np.uint64),
        "n_prong": np.where(np.array(label) == TAU, 1, -1).astype(np.int8),
    }
    return Objects(**{**good.__dict__, **made})


def test_a_jet_on_a_lepton_is_dropped_alone_and_neighbours_drop_each_other() -> None:
    objects = event_of(
        label=[ELECTRON, JET, ELECTRON, JET, JET, ELECTRON, ELECTRON],
        eta=[0, 0.1, 1, 1, 1, 0, 0],
        phi=[0, 0.1, 0, 0.35, 2.0, 3.1, -3.1],  # the last two are 0.08 apart, through the seam at pi
        pt=[30] * 7,
        event=[1, 1, 2, 2, 2, 3, 3],
    )
    passed, flow = select(objects, CutSettings())
    assert passed.tolist() == [True, False, False, False, True, False, False]
    assert list(flow) == list(CUT_NAMES)
    assert [flow[name] for name in CUT_NAMES] == [7, 7, 7, 7, 7, 6, 2, 2, 2]


def test_objects_of_different_events_do_not_overlap() -> None:
    objects = event_of([ELECTRON] * 2, [0, 0], [0, 0], [30, 30], [1, 2])
    assert select(objects, CutSettings())[0].all()


def test_only_the_hardest_jets_of_an_event_are_kept() -> None:
    objects = event_of([JET] * 4, [-2, -1, 0, 1], [0] * 4, [25, 50, 40, 40], [1] * 4)
    assert select(objects, CutSettings())[0].tolist() == [False, True, True, False]


def test_thresholds_and_leptonic_taus() -> None:
    objects = event_of([TAU] * 5, [0, 2.4, 0, 0, 0], [0] * 5, [30, 30, 20, 30, 30], [1, 2, 3, 4, 5])
    objects.n_prong[3] = 0
    objects.image[4] = 0
    passed, flow = select(objects, CutSettings())
    assert passed.tolist() == [True, False, False, False, False]
    assert [flow[name] for name in CUT_NAMES[:5]] == [5, 4, 3, 2, 1]
