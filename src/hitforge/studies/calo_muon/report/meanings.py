"""What figures call the features: their meaning in a few words instead of the names of columns."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

from hitforge.studies.calo_muon.features import LARGEST_LAYERS, LAYER_QUANTILES
from hitforge.studies.calo_muon.settings import LayerSettings

_FIFTHS: Final = ("first", "second", "third", "fourth", "last")

_MEANINGS: Final[dict[str, str]] = {
    "eabove": "energy in cells above 0.1 GeV",
    "rmom": "mean transverse offset",
    "rmom1": "mean offset, cells above 0.1 GeV",
    "r2m": "mean $r^2$ about the entry point",
    **{f"r2m{i}": f"mean $r^2$, {name} fifth of the layers" for i, name in enumerate(_FIFTHS, start=1)},
    "nclu": "clusters on the track",
    "ncellmax": "most cells, clusters on the track",
    "eclumax": "largest energy, clusters on the track",
    "maxdepthx": "extent in x, clusters on the track",
    "maxdepthy": "extent in y, clusters on the track",
    "maxdepthz": "extent in z, clusters on the track",
    "epercell": "largest energy / most cells, on the track",
    "avgcells": "mean cells, clusters on the track",
    "nclu1": "clusters off the track",
    "ncellmax1": "most cells, clusters off the track",
    "eclumax1": "maximum before the largest 3×3×3 sum",
    "epercell1": "largest energy / most cells, off the track",
    "avgcells_off_trk": "mean cells, clusters off the track",
    "ymom": "moment along x",
    "xmom": "moment along y",
    "emeas": "muon energy from its bending",
    "maxsum": "largest 3×3×3 sum, cells up to 0.1 GeV",
    "eb1": "energy in cells up to 0.01 GeV",
    "ea1": "energy in cells of 0.01–0.1 GeV",
    "layer_max_1": "largest energy of a layer",
    **{f"layer_max_{i}": f"energy of the layer of rank {i}" for i in range(2, LARGEST_LAYERS + 1)},
    **{f"layer_q{100 * q:.0f}": f"{100 * q:.0f} % quantile of the layers' energies" for q in LAYER_QUANTILES},
    "layer_sqrt": r"sum of $\sqrt{E}$ of the layers",
}


def meaning_of(name: str, layers: Mapping[str, Any]) -> str:
    """Return the words for a feature, for an unknown one its name; ``layers`` are the study's settings of layers."""
    settings = LayerSettings.model_validate(layers)
    edges = (0.0, *settings.rings_mm)
    rings = [f"{low:g}–{high:g} mm" for low, high in pairwise(edges)] + [f"> {edges[-1]:g} mm"]
    of_layers = {
        **{
            f"cells_above_{1000 * edge:g}mev": f"cells above {1000 * edge:g} MeV"
            for edge in settings.cell_thresholds_gev
        },
        **{f"ring_energy_{i}": f"energy at {ring} from the track" for i, ring in enumerate(rings)},
        **{f"ring_log_{i}": f"mean ln E at {ring} from the track" for i, ring in enumerate(rings)},
    }
    return (_MEANINGS | of_layers).get(name, name)
