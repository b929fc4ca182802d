"""Thinning: one spectrum for all classes, decided object by object."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.studies.object_id.data.cuts import CutSettings, ThinningSettings, kept_shares, select, thinned
from hitforge.studies.object_id.data.objects import Objects
from tests.unit.object_id.part_builders import some_objects

PT_EDGES, ETA_EDGES = (20.0, 30.0, 50.0, 200.0), (0.0, 1.2, 2.4)


def unlike_spectra() -> Objects:
    """Return many objects without images whose spectra differ from class to class."""
    rng = np.random.default_rng(4)
    n = 40_000
    label = rng.integers(0, 4, n).astype(np.int8)
    pt = 20 + rng.exponential(np.array([10.0, 18.0, 25.0, 40.0])[label])
    small = some_objects(2)
    repeated = {name: np.repeat(values[:1], n, axis=0) for name, values in small.__dict__.items() if name != "image"}
    made = {
        "label": label,
        "pt": pt.astype(np.float32),
        "eta": rng.uniform(-2.5, 2.5, n).astype(np.float32),
        "phi": rng.uniform(-3, 3, n).astype(np.float32),
        "event": np.arange(n, dtype=np.uint64),
        "image": np.ones((n, 1, 1, 1), np.float32),
    }
    return Objects(**{**repeated, **made})


def test_all_classes_get_the_spectrum_of_the_rarest() -> None:
    objects = unlike_spectra()
    kept = objects.take(thinned(objects, kept_shares(objects, PT_EDGES, ETA_EDGES)))
    before, after = (
        np.stack([np.histogram(o.pt[o.label == c], PT_EDGES)[0] for c in range(4)]) for o in (objects, kept)
    )
    assert np.all(np.abs(after - after.mean(axis=0)) < 5 * np.sqrt(after.mean(axis=0)))
    assert before[0, 0] > 1.5 * before[3, 0]
    assert np.abs(kept.eta).max() < 2.4 and kept.pt.max() < 200  # what lies in no bin is not used


def test_an_object_is_kept_or_not_whatever_else_is_in_the_file() -> None:
    objects = unlike_spectra()
    settings = kept_shares(objects, PT_EDGES, ETA_EDGES)
    whole = thinned(objects, settings)
    order = np.random.default_rng(1).permutation(len(objects))[:5000]
    assert np.array_equal(thinned(objects.take(order), settings), whole[order])


def test_it_is_the_last_cut() -> None:
    everything = ThinningSettings(pt_edges_gev=(0, 1e4), eta_edges=(0, 5), keep=(((1.0,),),) * 4)
    nothing = everything.model_copy(update={"keep": (((0.0,),),) * 4})
    objects = some_objects()
    plain, flow = select(objects, CutSettings())
    assert np.array_equal(select(objects, CutSettings(thinning=everything))[0], plain)
    assert list(flow.values())[-1] == list(flow.values())[-2] == plain.sum()
    assert list(select(objects, CutSettings(thinning=nothing))[1].values())[-1] == 0


def test_shares_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="4 classes times 1 times 1"):
        ThinningSettings(pt_edges_gev=(0, 1), eta_edges=(0, 1), keep=(((1.0,),),) * 3)
    with pytest.raises(ValueError, match="between 0 and 1"):
        ThinningSettings(pt_edges_gev=(0, 1), eta_edges=(0, 1), keep=(((1.5,),),) * 4)
    with pytest.raises(ValueError, match="pt_edges_gev must rise"):
        ThinningSettings(pt_edges_gev=(1, 0), eta_edges=(0, 1), keep=(((1.0,),),) * 4)
