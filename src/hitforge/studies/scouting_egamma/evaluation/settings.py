"""Settings of the evaluation of scouting_egamma."""

from __future__ import annotations

from pydantic import Field, PositiveFloat, PositiveInt

from hitforge.settings_base import BootstrapSettings


class EvaluationSettings(BootstrapSettings):
    """Bins, calibration and bootstrap."""

    pt_edges_gev: tuple[PositiveFloat, ...] = Field(
        (2, 5, 10, 20, 40, 60, 100), description="bins of generated pT, in GeV"
    )
    eta_edges: tuple[float, ...] = Field(
        (0.0, 0.4, 0.8, 1.2, 1.479, 1.566, 1.8, 2.1, 2.5), description="bins of generated |eta|"
    )
    energy_edges_gev: tuple[PositiveFloat, ...] = Field(
        (5, 10, 15, 22, 33, 50, 75, 110, 160, 240, 360, 600),
        description="bins of generated energy of the resolution's fit, in GeV",
    )
    r9_edges: tuple[float, ...] = Field((0.5, 0.8, 0.88, 0.92, 0.94, 0.96, 0.98, 1.0), description="bins of r9")
    fbrem_edges: tuple[float, ...] = Field(
        (-0.1, 0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 1.0), description="bins of fbrem, of electrons"
    )
    linearity_pt_min_gev: PositiveFloat = Field(
        10.0, description="generated pT from which on medians have to lie near 1, in GeV"
    )
    calibration_pt_edges_gev: tuple[PositiveFloat, ...] = Field(
        (5, 10, 20, 40, 70), description="inner edges of the calibration's bins of corrected pT, in GeV"
    )
    calibration_eta_edges: tuple[PositiveFloat, ...] = Field(
        (0.8, 1.479, 2.0), description="inner edges of the calibration's bins of reconstructed |eta|"
    )
    min_per_calibration_bin: PositiveInt = Field(
        50, description="candidates that a bin of the calibration needs; with fewer it takes its category's median"
    )
    low_pt_gev: tuple[PositiveFloat, PositiveFloat] = Field(
        (5.0, 20.0), description="generated pT of the numbers at low momentum, in GeV"
    )
    min_per_bin: PositiveInt = Field(20, description="a bin with fewer candidates gives null with its reason")
