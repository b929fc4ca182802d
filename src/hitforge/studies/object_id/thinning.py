"""Thinning of a sample so that all classes have one spectrum of (pT, |eta|).

Without it a network can tell classes of different spectra apart by the energy alone. The shares that are kept are fixed
values of the configuration, not read off the data: adding parts never changes which objects are used.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, NonNegativeFloat, model_validator

from hitforge.settings_base import Settings
from hitforge.studies.object_id.objects import N_CLASSES, Objects

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
    # here: the settings import this module, and stages that only read settings know nothing of folds
    from hitforge.folds import N_BUCKETS, bucket_of

    records = np.empty((len(objects), len(_PREFIX) + 16), dtype=np.uint8)
    records[:, : len(_PREFIX)] = _PREFIX
    records[:, len(_PREFIX) : -8] = objects.event.astype("<u8").view(np.uint8).reshape(-1, 8)
    axis = np.stack([objects.eta, objects.phi], axis=1).astype("<f4")
    records[:, -8:] = axis.view(np.uint8).reshape(-1, 8)
    return bucket_of(records) / N_BUCKETS
