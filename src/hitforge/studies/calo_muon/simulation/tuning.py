"""The free numbers of the fast simulation, in one place."""

from __future__ import annotations

from typing import NamedTuple


class ShowerTuning(NamedTuple):
    """Cuts, step lengths, scattering and thinning; energies in MeV, lengths in cm.

    A named tuple (immutable), so that compiled code can take it as it is. The two scattering constants were chosen on
    Geant4 samples of muons in the same block; docs/simulation.md has the comparison.

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
    one_point : float
        Steps shorter than this put their energy at one point, longer ones at two.
    scattering, scattering_soft, scattering_bend : float
        MeV; the many small angles of a step s: per plane ``c / (p beta) * sqrt(s / X0)`` (root mean square). c squared
        goes from ``scattering_soft`` squared at low kinetic energy to ``scattering`` squared at high, half way at
        ``scattering_bend``.
    scattering_single : float
        MeV2; single large angles: the probability of ``1 - cos theta > w`` is this times ``s / X0 / (p beta)^2 / w``,
        Rutherford's cross section: 0.157 Z(Z+1)/A rho X0 / 2 of the compound (Moliere's chi_c squared, PDG units).
    tail_from : float
        They begin at this many times the mean of ``1 - cos theta`` of the small ones.
    muon_scattering : float
        MeV; the same constant for the muon, over the whole block (Highland's formula for 230 radiation lengths).
    thin_from : float
        Showers of more energy than this are thinned; the largest weight grows as energy / thin_from.
    thin_weight_max : float
        Bound of that weight; 1 switches thinning off.
    thin_below : float
        Only particles of less energy are thinned.
    thin_radius, thin_power, thin_radius_max : float
        Weights above 1 are allowed within ``thin_radius * (energy / thin_from) ** thin_power`` of the shower's axis, at
        most ``thin_radius_max``: there the cells hold far more than one weighted particle brings.
    """

    electron_cut: float = 1.0
    photon_cut: float = 0.2
    stop_energy: float = 0.7
    muon_threshold: float = 1.0
    loss_fraction: float = 0.8
    step_min: float = 0.04
    step_max: float = 0.8
    one_point: float = 0.08
    scattering: float = 10.2
    scattering_soft: float = 13.2
    scattering_single: float = 16.0
    tail_from: float = 2.0
    scattering_bend: float = 10.0
    muon_scattering: float = 15.0
    thin_from: float = 500.0
    thin_weight_max: float = 12.0
    thin_below: float = 30.0
    thin_radius: float = 0.4
    thin_power: float = 0.33
    thin_radius_max: float = 2.5
