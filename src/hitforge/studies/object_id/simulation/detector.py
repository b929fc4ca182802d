"""Response of the two channels: shares, resolution, lateral spread, noise and threshold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hitforge.studies.object_id.data.image import ImageSettings
from hitforge.studies.object_id.simulation.particles import HAD_ONLY, MUON, PHOTON, Particles
from hitforge.studies.object_id.simulation.settings import SimulationSettings

SPOTS = 8
"""Equal deposits that a particle's energy in a channel is spread over."""

WIDTHS = {"narrow": 0.012, "hadron": 0.05}
"""Lateral width in eta and phi of hadron showers, and of those of electrons and photons and tracks of muons."""

HADRON_RESPONSE = 0.8
STOCHASTIC, CONSTANT = np.array([0.10, 0.50]), np.array([0.007, 0.05])
"""Resolution of EM and HAD: sigma/E = stochastic / sqrt(E/GeV) and a constant, in quadrature."""

Floats = NDArray[np.float64]


def deposit(rng: np.random.Generator, particles: Particles, abs_eta: Floats, image: ImageSettings) -> Floats:
    """Return transverse energies in GeV without noise, shape (n, 2, cells), of objects at some |eta|, shape (n,)."""
    owner, slot = np.nonzero(particles.pt > 0)
    pt, kind = particles.pt[owner, slot], particles.kind[owner, slot]
    photon = kind == PHOTON
    leak = np.minimum(rng.exponential(0.01, len(pt)), 1.0)
    early = np.where(kind == HAD_ONLY, 0.0, rng.beta(0.8, 1.6, len(pt)))
    em = np.where(photon, 1 - leak, HADRON_RESPONSE * early)
    had = np.where(photon, leak, HADRON_RESPONSE * (1 - early))
    sent = pt[:, None] * np.stack([em, had], axis=1)
    sent = _smeared(rng, sent, abs_eta[owner])
    muon = kind == MUON
    sent[muon] = _muon_energy(rng, pt[muon], abs_eta[owner[muon]])
    width = np.where(photon | muon, WIDTHS["narrow"], WIDTHS["hadron"])
    place = particles.deta[owner, slot], particles.dphi[owner, slot]
    return _spread(rng, sent, owner, place, width, len(abs_eta), image)


def _muon_energy(rng: np.random.Generator, pt: Floats, abs_eta: Floats) -> Floats:
    """Return transverse energies of muons, shape (p, 2): ionisation, and one in a hundred radiates."""
    n = len(pt)
    ionisation = np.stack([0.35 * rng.gamma(6, size=n) / 6, 2.0 * rng.gamma(8, size=n) / 8], axis=1)
    sent = ionisation / np.cosh(abs_eta)[:, None]
    radiated = np.where(rng.random(n) < 0.01, rng.uniform(0, 0.3, n) * pt, 0.0)
    sent[np.arange(n), rng.integers(0, 2, n)] += radiated
    return np.asarray(sent)


def _smeared(rng: np.random.Generator, sent: Floats, abs_eta: Floats) -> Floats:
    """Return transverse energies, shape (p, 2), with the resolution of the energies that belong to them."""
    energy = np.maximum(sent * np.cosh(abs_eta)[:, None], 1e-6)
    relative = np.sqrt(STOCHASTIC**2 / energy + CONSTANT**2)
    return np.asarray(np.maximum(sent * (1 + relative * rng.standard_normal(sent.shape)), 0.0))


def _spread(
    rng: np.random.Generator,
    sent: Floats,
    owner: NDArray[np.int64],
    place: tuple[Floats, Floats],
    width: Floats,
    n: int,
    image: ImageSettings,
) -> Floats:
    """Return the cells, shape (n, 2, cells), of p particles' energies, shape (p, 2); what leaves the window is lost."""
    shape = (len(sent), 2, SPOTS)
    deta, dphi = (at[:, None, None] + width[:, None, None] * rng.standard_normal(shape) for at in place)
    cell = image.cell_of(deta, dphi)
    channel = np.arange(2)[None, :, None]
    flat = (owner[:, None, None] * 2 + channel) * image.n_cells + cell
    energy = np.broadcast_to(sent[:, :, None] / SPOTS, shape)
    inside = cell >= 0
    cells = np.bincount(flat[inside], energy[inside], n * 2 * image.n_cells).astype(np.float64)
    return cells.reshape(n, 2, image.n_cells)


def read_out(rng: np.random.Generator, cells: Floats, settings: SimulationSettings) -> NDArray[np.float32]:
    """Return cells, shape (n, 2, cells), with noise; those below the threshold are 0."""
    noise = np.array([settings.em_noise_gev, settings.had_noise_gev])[:, None]
    noisy = cells + noise * rng.standard_normal(cells.shape)
    return np.where(noisy > settings.threshold_sigmas * noise, noisy, 0.0).clip(min=0.0).astype(np.float32)
