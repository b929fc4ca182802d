"""Reading and checking the same simulated events as RNTuple and as TTree, in turn."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any

from hitforge.config import SampleSettings, load_settings
from hitforge.studies.base import load_study
from tests.bench.timing import in_turn

CASES: dict[str, tuple[str, int, dict[str, Any]]] = {
    "calo_muon, all cells": ("calo_muon", 250, {}),
    "calo_muon, compact": ("calo_muon", 250, {"simulation": {"layout": "compact"}}),
    "csc_muon": ("csc_muon", 100_000, {}),
    "object_id": ("object_id", 20_000, {}),
    "scouting_egamma": ("scouting_egamma", 50_000, {}),
}
"""Study, events and settings of each case."""


def measure(folder: Path) -> dict[str, float | str]:
    """Return for each case the size of the RNTuple over that of the TTree, and the CPU time of its verdict."""
    result: dict[str, float | str] = {}
    for number, (case, (name, n_events, own)) in enumerate(CASES.items()):
        study = load_study(name, load_settings({"studies": [name], name: own}).studies[name])
        paths = {form: folder / f"{number}_{form}.root" for form in ("ttree", "rntuple")}
        for form, path in paths.items():
            sample = SampleSettings(role="train", parts=1, events_per_part=n_events, tree_format=form)
            study.simulate(path, sample, seed=1)
        checksums = {study.inspect(str(path)).content_checksum for path in paths.values()}
        assert len(checksums) == 1 and all(checksums), f"{case}: TTree and RNTuple differ"
        actions = {form: partial(study.inspect, str(path)) for form, path in paths.items()}
        times = in_turn(5, clock=time.process_time, **actions)
        sizes = {form: path.stat().st_size for form, path in paths.items()}
        result |= {
            f"{case}: bytes, RNTuple / TTree": sizes["rntuple"] / sizes["ttree"],
            f"{case}: read and check, RNTuple / TTree": times["rntuple"] / times["ttree"],
            f"{case}: read and check a TTree [events / CPU s]": n_events / times["ttree"],
        }
    return result
