"""Particles of each class of object: what they share of its pT and where they fly, relative to its axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SLOTS = 40
"""Most particles of an object."""

PHOTON, HADRON, HAD_ONLY, MUON = range(4)
"""Kinds of response: electron or photon, hadron, a hadron that leaves nothing in the EM channel, and muon."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Particles:
    """Up to SLOTS particles of each of n objects.

    Attributes
    ----------
    pt : ndarray, shape (n, S), GeV
        Zero in an empty slot.
    deta, dphi : ndarray, shape (n, S)
        Relative to the object's axis, dphi in rad.
    kind : ndarray, shape (n, S), int
        PHOTON, HADRON, HAD_ONLY or MUON.
    """

    pt: Floats
    deta: Floats
    dphi: Floats
    kind: NDArray[np.int64]


def dirichlet(rng: np.random.Generator, alpha: float, present: NDArray[np.bool_]) -> Floats:
    """Return symmetric Dirichlet shares over the present slots of each row, shape (n, S); a row without any is zero."""
    drawn = np.where(present, rng.gamma(alpha, size=present.shape), 0.0)
    total = drawn.sum(axis=1, keepdims=True)
    return drawn / np.where(total > 0, total, 1.0)


def around(rng: np.random.Generator, distance: Floats) -> tuple[Floats, Floats]:
    """Return deta and dphi of points at some distances from the axis, in random directions."""
    angle = rng.uniform(-np.pi, np.pi, distance.shape)
    return distance * np.cos(angle), distance * np.sin(angle)


def electrons(rng: np.random.Generator, pt: Floats) -> Particles:
    """An electron and one or two photons of bremsstrahlung on one side in phi."""
    n = len(pt)
    lost = 0.25 * rng.beta(1, 6, n)
    second = np.where(rng.random(n) < 0.5, rng.random(n), 0.0)
    shares = np.stack([1 - lost, lost * (1 - second), lost * second], axis=1)
    charge = rng.choice([-1.0, 1.0], n)
    dphi = charge[:, None] * rng.exponential(0.7, (n, 3)) / pt[:, None]
    dphi[:, 0] = 0.0
    return Particles(shares * pt[:, None], np.zeros((n, 3)), dphi, np.full((n, 3), PHOTON))


def muons(pt: Floats) -> Particles:
    """Muons along their axes."""
    zeros = np.zeros((len(pt), 1))
    return Particles(pt[:, None], zeros, zeros, np.full((len(pt), 1), MUON))


def taus(rng: np.random.Generator, pt: Floats, n_prong: NDArray[np.integer]) -> Particles:
    """One or three charged hadrons and up to two neutral pions, each of two photons, in a cone that shrinks with pT."""
    n = len(pt)
    uniform = rng.random(n)
    one = n_prong == 1
    n_pi0 = np.where(one, (uniform > 0.20).astype(int) + (uniform > 0.67), (uniform > 0.65).astype(int))
    neutral = np.where(n_pi0 > 0, rng.beta(1.5, 2, n), 0.0)
    charged_shares = (1 - neutral)[:, None] * dirichlet(rng, 2.0, np.arange(3) < n_prong[:, None])
    pion_shares = neutral[:, None] * dirichlet(rng, 2.0, np.arange(2) < n_pi0[:, None])
    first = rng.random((n, 2))
    shares = np.concatenate([charged_shares, pion_shares * first, pion_shares * (1 - first)], axis=1)
    # truncated at 0.3: the inverse of the distribution function, so no draw is thrown away
    scale = 1.0 / pt[:, None]
    distance = -scale * np.log1p(-rng.random((n, 5)) * -np.expm1(-0.3 / scale))
    deta, dphi = around(rng, distance)
    # both photons of a pion leave at m / pT from its direction
    opening = 0.135 / np.maximum(pion_shares * pt[:, None], 0.5)
    side_eta, side_phi = around(rng, opening)
    deta = np.concatenate([deta[:, :3], deta[:, 3:] + side_eta, deta[:, 3:] - side_eta], axis=1)
    dphi = np.concatenate([dphi[:, :3], dphi[:, 3:] + side_phi, dphi[:, 3:] - side_phi], axis=1)
    kind = np.tile([HADRON] * 3 + [PHOTON] * 4, (n, 1))
    return Particles(shares * pt[:, None], deta, dphi, kind)


def jets(rng: np.random.Generator, pt: Floats, gluon: NDArray[np.bool_], punch_through: NDArray[np.bool_]) -> Particles:
    """Hadrons and photons, more of them in a gluon's jet; a jet that punches through leaves all in the HAD channel."""
    n = len(pt)
    mean = (4 + 5 * np.log(pt / 10)) * np.where(gluon, 1.5, 1.0)
    count = np.clip(rng.poisson(mean), 1, SLOTS)
    shares = dirichlet(rng, 0.7, np.arange(SLOTS) < count[:, None])
    deta, dphi = around(rng, 0.45 * rng.beta(1, 4, (n, SLOTS)))
    kind = np.where(rng.random((n, SLOTS)) < 0.3, PHOTON, HADRON)
    return Particles(shares * pt[:, None], deta, dphi, np.where(punch_through[:, None], HAD_ONLY, kind))


def pileup(rng: np.random.Generator, npv: NDArray[np.integer], half_eta: float, half_phi: float) -> Particles:
    """Soft particles of other collisions, uniform over the window."""
    n = len(npv)
    present = np.arange(SLOTS) < np.clip(rng.poisson(0.25 * npv), 0, SLOTS)[:, None]
    deta, dphi = rng.uniform(-half_eta, half_eta, (n, SLOTS)), rng.uniform(-half_phi, half_phi, (n, SLOTS))
    kind = np.where(rng.random((n, SLOTS)) < 0.3, PHOTON, HADRON)
    return Particles(np.where(present, rng.exponential(0.6, (n, SLOTS)), 0.0), deta, dphi, kind)
