"""Objects of the study: calorimeter sub-images with what the generator knows of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

CLASS_NAMES: Final = ("electron", "jet", "muon", "tau")
"""Classes in the order of their labels 0 to 3."""

ELECTRON, JET, MUON, TAU = range(4)
N_CLASSES: Final = len(CLASS_NAMES)
CHANNELS: Final = ("em", "had")
"""Channels of a sub-image: electromagnetic and hadronic calorimeter."""

AXIS: Final = ("pt", "eta", "phi")
"""Branches of the reference axis."""

SCALARS: Final = {
    "label": "<i1",
    "pt": "<f4",
    "eta": "<f4",
    "phi": "<f4",
    "n_prong": "<i1",
    "parton": "<i4",
    "proc": "<i1",
    "event": "<u8",
    "npv": "<i2",
    "w": "<f4",
}
"""Branches with one number for each object, and their types."""


@dataclass(frozen=True)
class Objects:
    """N objects, those of an event next to each other.

    Attributes
    ----------
    image : ndarray, shape (N, 2, H, W), float32, GeV
        Transverse energies in the EM and HAD channel; rows ascend in eta, columns in phi.
    label : ndarray, shape (N,), int8
        Class, an index of :data:`CLASS_NAMES`.
    pt, eta, phi : ndarray, shape (N,), float32, GeV and rad
        Reference axis: lepton, visible tau, or jet.
    n_prong : ndarray, shape (N,), int8
        Charged hadrons of a tau, 0 of one that decays to a lepton; -1 for other classes.
    parton : ndarray, shape (N,), int32
        PDG code of a jet's parton, 0 for other classes.
    proc : ndarray, shape (N,), int8
        0 Z->ee, 1 dijet, 2 Z->mumu, 3 Z->tautau.
    event : ndarray, shape (N,), uint64
        Number of the event, unique within the data set.
    npv : ndarray, shape (N,), int16
        Primary vertices.
    w : ndarray, shape (N,), float32
        Event weight.
    """

    image: NDArray[np.float32]
    label: NDArray[np.int8]
    pt: NDArray[np.float32]
    eta: NDArray[np.float32]
    phi: NDArray[np.float32]
    n_prong: NDArray[np.int8]
    parton: NDArray[np.int32]
    proc: NDArray[np.int8]
    event: NDArray[np.uint64]
    npv: NDArray[np.int16]
    w: NDArray[np.float32]

    @classmethod
    def of(cls, image: NDArray[np.float32], **scalars: NDArray[Any]) -> Objects:
        """Return objects of the columns of :data:`SCALARS`, which get their types."""
        return cls(image=image, **{name: values.astype(SCALARS[name]) for name, values in scalars.items()})

    def __len__(self) -> int:
        return len(self.label)

    def take(self, chosen: NDArray[Any] | slice) -> Objects:
        """Return the objects of a mask, at some positions or in a slice."""
        return Objects(**{name: values[chosen] for name, values in self.__dict__.items()})


T = TypeVar("T")


def join(parts: Sequence[T]) -> T:
    """Return the objects of all parts, one after another; of any class whose attributes are columns."""
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])}
    return type(parts[0])(**columns)
