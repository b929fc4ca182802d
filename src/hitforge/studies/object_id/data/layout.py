"""What shards of the study hold."""

from __future__ import annotations

from typing import Final

from hitforge.shards import ShardLayout
from hitforge.studies.object_id.data.image import SCALE_GEV, ImageSettings
from hitforge.studies.object_id.features import FEATURE_UNITS

TRUTH: Final = {
    "pt": ("pt", "GeV"),
    "eta": ("eta", ""),
    "phi": ("phi", "rad"),
    "n_prong": ("n_prong", ""),
    "npv": ("npv", ""),
    "weight": ("w", ""),
}
"""What is evaluated by: branch and unit of each dataset in ``truth/``."""


def layout(*, image: ImageSettings) -> ShardLayout:
    """Return what shards hold: cells of both channels and the features made of them, the class, :data:`TRUTH`."""
    cells = image.cell_names
    return ShardLayout(
        feature_names=(*cells, *FEATURE_UNITS),
        feature_units=(*(f"ln(1 + GeV / {SCALE_GEV:g})" for _ in cells), *FEATURE_UNITS.values()),
        targets={"label": ""},
        truth={name: unit for name, (_, unit) in TRUTH.items()},
    )
