"""Geant4 results that the fast simulation is compared with: medians of mu- with their bootstrap errors.

Block of 50 x 32 x 32 cells of 39.6 x 3.75 x 3.75 mm, 2 T from the front face on, Geant4 11.4.1 electromagnetic
physics with a production cut of 0.7 mm. Columns 100 GeV (1500 muons), 1 TeV (300), 4 TeV (150). The bend is a mean.
"""

from __future__ import annotations

from typing import Final

ENERGIES_GEV: Final = (100.0, 1000.0, 4000.0)

# quantity: (median, error) per energy; GeV, counts, fractions, mm
MEDIANS: Final[dict[str, tuple[tuple[float, float], ...]]] = {
    "E_dep": ((3.65, 0.03), (12.3, 0.6), (51.0, 4.1)),
    "cells > 1 keV": ((538, 8), (2130, 96), (5875, 319)),
    "cells > 0.1 MeV": ((506, 9), (2014, 95), (5623, 282)),
    "cells > 1 MeV": ((214, 3), (868, 47), (2793, 172)),
    "cells > 10 MeV": ((72.0, 0.5), (182, 7), (566, 38)),
    "E in cells < 0.01 GeV": ((0.60, 0.01), (2.72, 0.14), (8.5, 0.5)),
    "E in cells 0.01-0.1 GeV": ((2.79, 0.01), (5.3, 0.2), (14.0, 0.7)),
    "E in cells > 0.1 GeV": ((0.27, 0.01), (4.1, 0.3), (28.8, 2.3)),
    "largest cell": ((0.158, 0.003), (0.74, 0.04), (2.9, 0.3)),
    "layers 0-9": ((0.594, 0.006), (1.19, 0.06), (3.4, 0.5)),
    "layers 20-29": ((0.627, 0.007), (1.39, 0.09), (5.9, 0.9)),
    "layers 40-49": ((0.630, 0.007), (1.50, 0.11), (5.4, 0.7)),
    "f, r < 5 mm": ((0.526, 0.003), (0.641, 0.005), (0.589, 0.004)),
    "f, 5-15 mm": ((0.392, 0.004), (0.226, 0.003), (0.258, 0.002)),
    "f, 15-30 mm": ((0.051, 0.001), (0.084, 0.001), (0.098, 0.001)),
    "f, > 30 mm": ((0.024, 0.001), (0.046, 0.001), (0.056, 0.001)),
    "bend, last five layers": ((10.78, 0.08), (1.14, 0.07), (0.16, 0.12)),
}
