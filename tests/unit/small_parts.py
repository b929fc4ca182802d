"""A small good part of every layout of every study, and the study that reads it as a run would."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import awkward as ak
import h5py
import numpy as np
import yaml

from hitforge.config import load_settings
from hitforge.hits import CellHits
from hitforge.studies.base import Study, load_study
from hitforge.studies.calo_muon.data.muons import Muons
from hitforge.studies.calo_muon.features import FEATURE_NAMES
from tests.unit.calo_muon.part_builders import b4_columns, make_muons, write_compact, write_tree
from tests.unit.csc_muon.part_builders import MAPPED, some_roads, write_npz, write_scalars, write_vector
from tests.unit.object_id.part_builders import some_objects, write_cells, write_images
from tests.unit.scouting_egamma.builders import simulated, write

SMALL = {"name": "small", "material": "x", "n_z": 4, "n_x": 3, "n_y": 2} | {
    **{"pitch_z_mm": 40.64, "pitch_x_mm": 20.0, "pitch_y_mm": 30.0, "field_tesla": 2.0},
}
N_CELLS = 24


@cache
def study_of(name: str) -> Study:
    """Return a study with its own settings, the demo's."""
    return load_study(name, load_settings({"preset": "demo", "studies": [name]}).studies[name])


def with_reader(name: str, **reader: Any) -> Study:
    """Return a study with other settings of its reader."""
    user = {"preset": "demo", "studies": [name], name: {"reader": reader}}
    return load_study(name, load_settings(user).studies[name])


def _small_calo(folder: Path) -> Study:
    path = folder / "geometry.yaml"
    path.write_text(yaml.safe_dump(SMALL))
    user = {"preset": "demo", "studies": ["calo_muon"], "calo_muon": {"geometry": str(path)}}
    return load_study("calo_muon", load_settings(user).studies["calo_muon"])


def _muons(n: int) -> Muons:
    """Return the first of always the same muons."""
    made = make_muons(8, n_cells=N_CELLS)
    hits = CellHits.from_dense(made.hits.to_dense(N_CELLS)[:n])
    return Muons(hits, made.energy_gev[:n], made.x_mm[:n], made.y_mm[:n], made.charge[:n])


def _write_fixed(path: Path, n: int) -> Path:
    return write_tree(path, "B4", b4_columns(_muons(n), N_CELLS))


def _write_vector(path: Path, n: int) -> Path:
    columns = b4_columns(_muons(n), N_CELLS)
    return write_tree(path, "B4", columns | {"rechit_energy": ak.from_regular(ak.Array(columns["rechit_energy"]))})


def _write_fold(path: Path, n: int) -> Path:
    muons = _muons(n)
    with h5py.File(path, "w") as file:
        fold = file.create_group("fold_0")
        fold["inputs"] = np.zeros((n, len(FEATURE_NAMES)), np.float32)
        fold["targets"] = muons.energy_gev
        fold["matrix_inputs"] = muons.hits.to_dense(N_CELLS).reshape(n, 1, 4, 3, 2)
        meta = file.create_group("meta_data")
        meta["cont_feats"] = json.dumps(list(FEATURE_NAMES))
        meta["matrix_feats"] = json.dumps({"shape": [1, 4, 3, 2], "is_sparse": False})
    return path


Layout = tuple[Callable[[Path], Study], Callable[[Path, int], Path], str]

LAYOUTS: dict[str, Layout] = {
    "b4-fixed": (_small_calo, _write_fixed, "part.root"),
    "b4-variable": (_small_calo, _write_vector, "part.root"),
    "compact": (_small_calo, lambda p, n: write_compact(p, _muons(n)), "part.root"),
    "fold_file": (_small_calo, _write_fold, "folds.hdf5"),
    "vector": (lambda _: study_of("csc_muon"), lambda p, n: write_vector(p, some_roads().take(slice(n))), "part.root"),
    "scalars": (
        lambda _: with_reader("csc_muon", branches=dict(MAPPED.branches)),
        lambda p, n: write_scalars(p, some_roads().take(slice(n))),
        "part.root",
    ),
    "npz": (lambda _: study_of("csc_muon"), lambda p, n: write_npz(p, some_roads().take(slice(n))), "part.npz"),
    "images": (lambda _: study_of("object_id"), lambda p, n: write_images(p, some_objects().take(slice(n))), "a.root"),
    "cells": (
        lambda _: with_reader("object_id", layout="cells"),
        lambda p, n: write_cells(p, some_objects().take(slice(n))),
        "a.root",
    ),
    "egamma": (
        lambda _: study_of("scouting_egamma"),
        lambda p, n: write(p, simulated(2_000).take(np.arange(n))),
        "part.root",
    ),
}


def address(path: Path) -> str:
    """Return what the reader is given."""
    return f"{path}#fold_0" if path.suffix == ".hdf5" else str(path)
