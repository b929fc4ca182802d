"""Quality cuts on objects and the cut flow."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from hitforge.folds import N_BUCKETS, bucket_of
from hitforge.inspection import Selection, apply_cuts
from hitforge.settings_base import Settings
from hitforge.studies.object_id.data.image import wrapped
from hitforge.studies.object_id.data.objects import JET, N_CLASSES, TAU, Objects

_PREFIX = np.frombuffer(b"thinning", dtype=np.uint8)


class ThinningSettings(Settings):
    """Share of each class that is kept in bins of pT and |eta|; `kept_shares` computes one from a sample."""

    pt_edges_gev: tuple[NonNegativeFloat, ...] = Field(description="edges of the bins in pT, in GeV")
    eta_edges: tuple[NonNegativeFloat, ...] = Field(description="edges of the bins in |eta|")
    keep: tuple[tuple[tuple[float, ...], ...], ...] = Field(
        description="kept share, 0 to 1, of each class, in each bin of pT, in each bin of |eta|; outside none is"
    )

    @model_validator(mode="after")
    def _shapes_agree(self) -> Self:
        for name in ("pt_edges_gev", "eta_edges"):
            if any(low >= high for low, high in pairwise(getattr(self, name))):
                raise ValueError(f"thinning.{name} must rise")
        n_pt, n_eta = len(self.pt_edges_gev) - 1, len(self.eta_edges) - 1
        fits = all(len(rows) == n_pt and all(len(row) == n_eta for row in rows) for rows in self.keep)
        if len(self.keep) != N_CLASSES or not fits:
            raise ValueError(f"thinning.keep: {N_CLASSES} classes times {n_pt} times {n_eta} shares are needed")
        if any(not 0 <= share <= 1 for rows in self.keep for row in rows for share in row):
            raise ValueError("thinning.keep: shares lie between 0 and 1")
        return self


class CutSettings(Settings):
    """Which objects are used. The reference axis and its pT select; they are never inputs."""

    pt_min_gev: NonNegativeFloat = Field(20.0, description="pT of the reference axis is above this, in GeV")
    abs_eta_max: PositiveFloat = Field(2.4, description="|eta| of the reference axis is below this")
    sum_min_gev: NonNegativeFloat = Field(0.5, description="transverse energy of both channels is above this, in GeV")
    overlap_dr: NonNegativeFloat = Field(0.4, description="two objects of an event closer than this are both dropped")
    matched_dr: NonNegativeFloat = Field(
        0.3, description="a jet closer than this to a lepton or tau is that object, and is dropped alone"
    )
    jets_per_event: PositiveInt = Field(2, description="at most so many jets of an event, the hardest")
    thinning: ThinningSettings | None = Field(
        None, description="shares of objects to keep, so that all classes have one spectrum; null keeps all"
    )


CUT_NAMES = (
    "all",
    "pT",
    "|eta|",
    "transverse energy",
    "hadronic tau",
    "jet is no lepton",
    "overlap",
    "jets per event",
    "one spectrum",
)
"""Rows of the cut flow."""

TRUTH_CUTS = ("hadronic tau", "jet is no lepton", "overlap", "jets per event", "one spectrum")
"""Those that need the classes."""


def select(objects: Objects, cuts: CutSettings) -> Selection:
    """Return the objects that pass the cuts, applied one after the other, and their number after each of them.

    The objects are those of whole events, next to each other.
    """
    return apply_cuts(CUT_NAMES, len(objects), lambda passed: decisions(objects, cuts, passed))


def decisions(objects: Objects, cuts: CutSettings, passed: NDArray[np.bool_]) -> Iterator[NDArray[np.bool_]]:
    """Yield the decision of each cut, shape (N,), in the order of :data:`CUT_NAMES`.

    ``passed`` is what those before left, and is updated between them.
    """
    yield objects.pt > np.float32(cuts.pt_min_gev)
    yield np.abs(objects.eta) < np.float32(cuts.abs_eta_max)
    yield objects.image.sum(axis=(1, 2, 3), dtype=np.float64) > cuts.sum_min_gev
    yield ~((objects.label == TAU) & (objects.n_prong == 0))
    first, second, distance = _neighbours(objects)
    jet = objects.label == JET
    copy = np.zeros(len(objects), dtype=bool)
    for a, b in ((first, second), (second, first)):
        same = jet[a] & ~jet[b] & passed[a] & passed[b] & (distance < cuts.matched_dr)
        copy[a[same]] = True
    yield ~copy
    close = passed[first] & passed[second] & (distance < cuts.overlap_dr)
    overlap = np.zeros(len(objects), dtype=bool)
    overlap[first[close]] = overlap[second[close]] = True
    yield ~overlap
    yield ~jet | (_rank_of_jets(objects, jet & passed) < cuts.jets_per_event)
    yield passed if cuts.thinning is None else thinned(objects, cuts.thinning)


def _neighbours(objects: Objects) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return all pairs of objects of the same event, first before second, and their distances in (eta, phi)."""
    firsts, seconds = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    index = np.arange(len(objects))
    for step in range(1, len(objects)):
        same = np.flatnonzero(objects.event[step:] == objects.event[:-step])
        if not len(same):
            break
        firsts.append(index[same])
        seconds.append(index[same + step])
    first, second = np.concatenate(firsts), np.concatenate(seconds)
    eta, phi = objects.eta.astype(np.float64), objects.phi.astype(np.float64)
    return first, second, np.hypot(eta[first] - eta[second], wrapped(phi[first] - phi[second]))


def _rank_of_jets(objects: Objects, jet: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return how many harder jets each jet has in its event; of equal pT the one before counts as harder."""
    rank = np.zeros(len(objects), dtype=np.int64)
    first, second, _ = _neighbours(objects)
    both = jet[first] & jet[second]
    first, second = first[both], second[both]
    softer = np.where(objects.pt[first] >= objects.pt[second], second, first)
    np.add.at(rank, softer, 1)
    return rank


def thinned(objects: Objects, settings: ThinningSettings) -> NDArray[np.bool_]:
    """Return which objects are kept, shape (N,): a function of each object alone, whatever file it is in.

    None of an unknown class is.
    """
    shares = np.zeros((N_CLASSES + 1, len(settings.pt_edges_gev) + 1, len(settings.eta_edges) + 1))
    shares[:-1, 1:-1, 1:-1] = settings.keep  # with a margin of zeros for what lies outside
    in_pt = np.searchsorted(settings.pt_edges_gev, objects.pt, side="right")
    in_eta = np.searchsorted(settings.eta_edges, np.abs(objects.eta), side="right")
    label = np.where((objects.label >= 0) & (objects.label < N_CLASSES), objects.label, N_CLASSES)
    return np.asarray(_uniform(objects) < shares[label, in_pt, in_eta])


def kept_shares(objects: Objects, pt_edges_gev: tuple[float, ...], eta_edges: tuple[float, ...]) -> ThinningSettings:
    """Return settings that give all classes of ``objects`` the same number in each bin, that of the rarest class."""
    counts = np.stack(
        [
            np.histogram2d(objects.pt[own], np.abs(objects.eta[own]), (pt_edges_gev, eta_edges))[0]
            for own in (objects.label == c for c in range(N_CLASSES))
        ]
    )
    keep = np.divide(counts.min(axis=0), counts, out=np.zeros_like(counts), where=counts > 0)
    return ThinningSettings(pt_edges_gev=pt_edges_gev, eta_edges=eta_edges, keep=keep.tolist())


def _uniform(objects: Objects) -> NDArray[np.float64]:
    """Return a number in [0, 1) for each object, from a hash of its event and axis."""
    records = np.empty((len(objects), len(_PREFIX) + 16), dtype=np.uint8)
    records[:, : len(_PREFIX)] = _PREFIX
    records[:, len(_PREFIX) : -8] = objects.event.astype("<u8").view(np.uint8).reshape(-1, 8)
    axis = np.stack([objects.eta, objects.phi], axis=1).astype("<f4")
    records[:, -8:] = axis.view(np.uint8).reshape(-1, 8)
    return bucket_of(records) / N_BUCKETS
