"""Settings of the reader: what a ntuple's branches are called and mean."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hitforge.settings_base import Settings


class ReaderSettings(Settings):
    """How object ntuples are read."""

    tree: str = Field("objects", description="tree of ROOT files")
    layout: Literal["images", "cells"] = Field(
        "images", description="images: one array for each channel; cells: lists of cells, from which images are made"
    )
    em: str = Field("em", description="branch of the electromagnetic channel, in GeV (layout images)")
    had: str = Field("had", description="branch of the hadronic channel, in GeV (layout images)")
    dataset_id: str = Field("object_gun", description="event numbers are unique within this data set", min_length=1)
