"""Objects and the particles around them from whole generated events, as flat arrays without loops over particles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hitforge.studies.object_id.data.image import wrapped
from hitforge.studies.object_id.simulation.particles import HADRON, MUON, PHOTON, Particles

NEUTRINOS = (12, 14, 16)
CHARGED_HADRONS = (211, 321)
CHARGES = {11: -1, 13: -1, 211: 1, 321: 1, 2212: 1}
"""Charges of the stable charged particles; antiparticles have a negative code and the opposite charge."""

RADIUS_M = 1.4
"""Distance of the calorimeter from the beam."""

PT_MIN_GEV, MAX_ETA = 0.3, 3.2
"""Softer particles, and those further forward, are not followed."""

MARGIN = 0.2
"""Particles so far outside the window are followed too: their showers reach into it."""

HARD_PROCESS = -23
"""Status of the partons that leave the hard process."""

PARTON_DR = 0.4

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Events:
    """Event records of E events, their P entries one after another.

    Attributes
    ----------
    offsets : ndarray, shape (E + 1,)
        Event i has entries ``offsets[i]:offsets[i + 1]``.
    pdg, status : ndarray, shape (P,)
        PDG code; positive status where the particle is stable.
    daughters : ndarray, shape (P, 2)
        First and last entry of the daughters within the event.
    momentum : ndarray, shape (P, 3), GeV
    """

    offsets: Integers
    pdg: Integers
    status: Integers
    daughters: Integers
    momentum: Floats

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def event(self) -> Integers:
        """Event of each entry, shape (P,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))


@dataclass(frozen=True)
class Axes:
    """N objects of events, sorted by event: their events, reference axes, prongs (taus) and flavours (jets)."""

    event: Integers
    pt: Floats
    eta: Floats
    phi: Floats
    n_prong: Integers
    parton: Integers

    def __len__(self) -> int:
        return len(self.event)

    def take(self, chosen: NDArray[np.bool_]) -> Axes:
        """Return the objects of a mask."""
        return Axes(**{name: values[chosen] for name, values in self.__dict__.items()})


def pt_eta_phi(momentum: Floats) -> tuple[Floats, Floats, Floats]:
    """Return transverse momentum, pseudorapidity and azimuth of momenta, shape (N, 3); eta 0 of one without pT."""
    pt = np.hypot(momentum[:, 0], momentum[:, 1])
    eta = np.arcsinh(np.divide(momentum[:, 2], pt, out=np.zeros_like(pt), where=pt > 0))
    return pt, eta, np.arctan2(momentum[:, 1], momentum[:, 0])


def leptons(events: Events, pdg: int) -> Axes:
    """Return the hardest stable lepton of each charge: those of the Z, after their radiation."""
    found = []
    pt, eta, phi = pt_eta_phi(events.momentum)
    for charge in (pdg, -pdg):
        own = np.flatnonzero((events.pdg == charge) & (events.status > 0))
        event = events.event[own]
        own, event = (values[np.lexsort((-pt[own], event))] for values in (own, event))
        found.append(own[np.append(True, event[1:] != event[:-1])[: len(own)]])
    chosen = np.sort(np.concatenate(found))
    return _axes(events.event[chosen], pt[chosen], eta[chosen], phi[chosen])


def taus(events: Events) -> Axes:
    """Return the taus that decay, as their visible momentum, with the charged hadrons of the decay; 0 if leptonic."""
    first, last = events.daughters.T
    offset = events.offsets[:-1].repeat(np.diff(events.offsets))
    candidate = np.flatnonzero((np.abs(events.pdg) == 15) & (events.status < 0))
    # of the copies that radiation leaves the last one decays to a neutrino
    counts = np.maximum(last[candidate] - first[candidate] + 1, 0)
    owner = np.repeat(np.arange(len(candidate)), counts)
    daughter = (offset + first)[candidate][owner] + _places(counts)
    kind = np.abs(events.pdg[daughter])
    n = len(candidate)
    decays = np.bincount(owner, kind == 16, n) > 0
    hadrons = np.bincount(owner, np.isin(kind, CHARGED_HADRONS), n).astype(np.int64)
    leptonic = np.bincount(owner, np.isin(kind, (11, 13)), n) > 0
    seen = ~np.isin(kind, NEUTRINOS)
    momentum = np.zeros((n, 3))
    np.add.at(momentum, owner[seen], events.momentum[daughter[seen]])
    pt, eta, phi = pt_eta_phi(momentum)
    axes = _axes(events.event[candidate], pt, eta, phi, n_prong=np.where(leptonic, 0, hadrons))
    return axes.take(decays)


def jets(events: Events, event: Integers, momentum: Floats) -> Axes:
    """Return clustered jets with the flavour of the closest parton of the hard process, 0 if none is within 0.4."""
    pt, eta, phi = pt_eta_phi(momentum)
    hard = np.flatnonzero(events.status == HARD_PROCESS)
    _, parton_eta, parton_phi = pt_eta_phi(events.momentum[hard])
    jet, other = _same_event(event, events.event[hard], len(events))
    distance = np.hypot(eta[jet] - parton_eta[other], wrapped(phi[jet] - parton_phi[other]))
    flavour = np.zeros(len(event), dtype=np.int64)
    order = np.argsort(-distance, kind="stable")  # the closest is written last
    close = order[distance[order] < PARTON_DR]
    flavour[jet[close]] = events.pdg[hard[other[close]]]
    return _axes(event, pt, eta, phi, parton=flavour)


def turn(pdg: Integers, pt: Floats, field_tesla: float) -> Floats:
    """Return the change of azimuth between vertex and calorimeter in rad, shape (P,); NaN for those that curl up.

    A circle of radius rho = pT / (0.3 q B) from the beam crosses the distance R at an azimuth of arcsin(R / 2 rho).
    """
    charge = np.zeros(len(pdg))
    for code, value in CHARGES.items():
        charge += value * ((pdg == code).astype(int) - (pdg == -code))
    with np.errstate(divide="ignore", invalid="ignore"):
        sine = np.where(charge != 0, -0.3 * charge * field_tesla * RADIUS_M / (2 * pt), 0.0)
        return np.asarray(np.arcsin(sine))


def particles_around(
    events: Events, axes: Axes, half_eta: float, half_phi: float, field_tesla: float = 0.0
) -> Particles:
    """Return the stable visible particles that reach the window around each axis or a margin of 0.2."""
    pt, eta, phi = pt_eta_phi(events.momentum)
    kind = np.abs(events.pdg)
    visible = (events.status > 0) & ~np.isin(kind, NEUTRINOS) & (pt > PT_MIN_GEV) & (np.abs(eta) < MAX_ETA)
    phi = phi + turn(events.pdg, pt, field_tesla)
    visible &= np.isfinite(phi)
    stable = np.flatnonzero(visible)
    axis, particle = _same_event(axes.event, events.event[stable], len(events))
    entry = stable[particle]
    deta, dphi = eta[entry] - axes.eta[axis], wrapped(phi[entry] - axes.phi[axis])
    near = (np.abs(deta) < half_eta + MARGIN) & (np.abs(dphi) < half_phi + MARGIN)
    axis, entry, deta, dphi = axis[near], entry[near], deta[near], dphi[near]
    counts = np.bincount(axis, minlength=len(axes))
    slot = _places(counts)
    shape = (len(axes), int(counts.max(initial=1)))
    response = np.select([np.isin(kind[entry], (11, 22)), kind[entry] == 13], [PHOTON, MUON], HADRON)
    packed = {"pt": pt[entry], "deta": deta, "dphi": dphi, "kind": response}
    filled = {name: np.zeros(shape, dtype=values.dtype) for name, values in packed.items()}
    for name, values in packed.items():
        filled[name][axis, slot] = values
    return Particles(**filled)


def _axes(
    event: Integers, pt: Floats, eta: Floats, phi: Floats, n_prong: Integers | int = -1, parton: Integers | int = 0
) -> Axes:
    n_prong, parton = (np.broadcast_to(np.asarray(values, np.int64), event.shape) for values in (n_prong, parton))
    return Axes(event, pt, eta, phi, n_prong, parton)


def _places(counts: Integers) -> Integers:
    """Return 0, 1, 2, … within each group of so many, one after another."""
    return np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)


def _same_event(first: Integers, second: Integers, n_events: int) -> tuple[Integers, Integers]:
    """Return all pairs of the same event, sorted by the first; ``second`` holds events in rising order."""
    counts = np.bincount(second, minlength=n_events)
    of_first = counts[first]
    left = np.repeat(np.arange(len(first)), of_first)
    return left, np.asarray((np.cumsum(counts) - counts)[first][left] + _places(of_first))
