"""Simulated objects through a parametrised calorimeter; here pairs of one class with one spectrum for all."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from hitforge.seeds import child_generator
from hitforge.studies.object_id.data.image import ImageSettings
from hitforge.studies.object_id.data.objects import ELECTRON, JET, MUON, TAU, Objects
from hitforge.studies.object_id.simulation import particles
from hitforge.studies.object_id.simulation.detector import deposit, read_out
from hitforge.studies.object_id.simulation.settings import SimulationSettings

PAIRS_PER_CHUNK = 1000
MAX_ETA = 2.4
GLUON_SHARE, THREE_PRONG_SHARE = 0.55, 0.28

Floats = NDArray[np.float64]


def simulate_objects(
    n_objects: int,
    seed: int,
    settings: SimulationSettings,
    image: ImageSettings,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Objects]:
    """Yield objects of all classes, chunk by chunk; both of a pair are in the same chunk.

    Parameters
    ----------
    n_objects : int
        Objects to write, about so many with ``generator: pythia``; an odd one is left out. There are more taus than
        others, so that as many hadronic ones are left as there are electrons, jets and muons.
    seed : int
        Seed of the part; chunks have streams of their own.
    """
    if settings.generator == "pythia":
        from hitforge.studies.object_id.simulation.pythia import pythia_objects  # the package is optional

        yield from pythia_objects(n_objects, seed, settings, image, progress)
        return
    n_pairs = n_objects // 2
    for chunk, start in enumerate(range(0, n_pairs, PAIRS_PER_CHUNK)):
        rng = child_generator(seed, "objects", chunk)
        yield _chunk(rng, min(PAIRS_PER_CHUNK, n_pairs - start), settings, image)
        if progress is not None:
            progress(min(2 * (start + PAIRS_PER_CHUNK), n_objects), n_objects)


def _chunk(rng: np.random.Generator, n_pairs: int, settings: SimulationSettings, image: ImageSettings) -> Objects:
    shares = np.array([1.0, 1.0, 1.0, 1.0 / (1.0 - settings.leptonic_taus)])
    label = np.repeat(rng.choice(4, n_pairs, p=shares / shares.sum()), 2)
    n = len(label)
    pt = settings.pt_min_gev + rng.exponential(settings.pt_mean_above_gev, n)
    eta = rng.uniform(-MAX_ETA, MAX_ETA, n)
    # back to back: two objects of an event hardly ever share a window
    phi = np.repeat(rng.uniform(-np.pi, np.pi, n_pairs), 2) + np.tile([0.0, np.pi], n_pairs)
    phi = (phi + rng.normal(0.0, 0.3, n) + np.pi) % (2 * np.pi) - np.pi
    npv = rng.integers(10, 51, n_pairs).repeat(2)
    gluon = rng.random(n) < GLUON_SHARE
    flavour = np.where(gluon, 21, rng.integers(1, 5, n))
    hadronic = np.where(rng.random(n) < THREE_PRONG_SHARE, 3, 1)
    n_prong = np.where(rng.random(n) < settings.leptonic_taus, 0, hadronic)

    cells = np.zeros((n, 2, image.n_cells))
    # a leptonic tau looks like its lepton, which takes a part of the pT
    to_lepton = (label == TAU) & (n_prong == 0)
    to_electron = to_lepton & (rng.random(n) < 0.5)
    visible = np.where(to_lepton, pt * rng.beta(2, 2, n), pt)

    def fill(chosen: NDArray[np.bool_], make: Callable[[NDArray[np.bool_]], particles.Particles]) -> None:
        if chosen.any():
            cells[chosen] = deposit(rng, make(chosen), np.abs(eta[chosen]), image)

    fill((label == ELECTRON) | to_electron, lambda m: particles.electrons(rng, visible[m]))
    fill((label == MUON) | (to_lepton & ~to_electron), lambda m: particles.muons(visible[m]))
    fill((label == TAU) & ~to_lepton, lambda m: particles.taus(rng, pt[m], n_prong[m]))
    through = rng.random(n) < settings.punch_through
    fill(label == JET, lambda m: particles.jets(rng, pt[m], gluon[m], through[m]))
    if settings.pileup:
        cells += deposit(rng, particles.pileup(rng, npv, *image.half_widths), np.abs(eta), image)
    return Objects.of(
        read_out(rng, cells, settings).reshape(n, *image.shape),
        label=label,
        pt=pt,
        eta=eta,
        phi=phi,
        n_prong=np.where(label == TAU, n_prong, -1),
        parton=np.where(label == JET, flavour, 0),
        proc=label,
        event=np.repeat(rng.integers(0, 2**63, n_pairs, dtype=np.uint64), 2),
        npv=npv,
        w=np.ones(n),
    )
