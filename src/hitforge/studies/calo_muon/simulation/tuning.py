"""The free numbers of the fast simulation, in one place."""

from __future__ import annotations

from typing import NamedTuple


class ShowerTuning(NamedTuple):
    """Cuts, step lengths and thinning; energies in MeV, lengths in cm.

    A named tuple, so that compiled code can take it as it is. The defaults were chosen on Geant4 samples of muons in the
    same block (docs/simulation.md has the comparison).

    Attributes
    ----------
    electron_cut : float
        No knock-on electron of less kinetic energy is made; Compton and photo-electrons below it stop at once. Equals
        Geant4's production cut of 0.7 mm in lead tungstate, about 1 MeV.
    photon_cut : float
        Photons of less energy stop at once; bremsstrahlung below it is part of the continuous loss.
    stop_energy : float
        Electrons of less kinetic energy stop at once (their range is below half a millimetre).
    muon_threshold : float
        Radiative losses of the muon below it are left out, knock-on electrons below it are continuous loss.
    loss_fraction : float
        Largest fraction of its energy that an electron loses in one step.
    step_min, step_max : float
        Bounds of that step.
    scattering : float
        MeV; root mean square angle per plane of a step s is ``scattering / (p beta) * sqrt(s / X0)``.
    thin_from : float
        Showers of more energy than this are thinned; the weight allowed grows as energy / thin_from.
    thin_weight_max : float
        Largest weight of a particle in a thinned shower.
    thin_below : float
        Only particles of less energy are thinned.
    """

    electron_cut: float = 1.0
    photon_cut: float = 0.15
    stop_energy: float = 0.5
    muon_threshold: float = 1.0
    loss_fraction: float = 0.3
    step_min: float = 0.02
    step_max: float = 0.4
    scattering: float = 13.6
    thin_from: float = 5e3
    thin_weight_max: float = 1.0
    thin_below: float = 50.0
    thin_radius: float = 0.6
