"""Damaged files: whatever bytes a file holds, judging it gives a verdict and never an error.

An application gives every entry its place, or says what is wrong with the file.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hitforge.ntuple import NtupleError
from hitforge.studies.base import Study
from tests.unit.entries_of import entries_of
from tests.unit.small_parts import LAYOUTS, address, study_of

FILES = Path(__file__).parent / "root_files"


def _copied(name: str) -> Callable[[Path, int], Path]:
    return lambda path, _: Path(shutil.copy(FILES / name, path))


EVERY = (
    LAYOUTS
    | {"by-root": (lambda _: study_of("calo_muon"), _copied("muons_good.root"), "part.root")}
    | {
        f"{name}-rntuple": (study, _copied(f"{name}_rntuple.root"), file)
        for name, (study, _, file) in LAYOUTS.items()
        if file.endswith(".root")
    }
)

_FOLDER = TemporaryDirectory(prefix="hitforge-fuzz-")


@cache
def _original(layout: str) -> tuple[Study, bytes, Path]:
    """Return the study, the bytes of a good part, and where damaged ones go."""
    study_in, write, name = EVERY[layout]
    folder = Path(_FOLDER.name) / layout
    folder.mkdir()
    path = write(folder / name, 8)
    study = study_in(folder)
    findings = study.inspect(address(path))
    assert findings.problems == (), findings.problems
    return study, path.read_bytes(), path


@cache
def _filled(layout: str) -> np.ndarray[Any, Any]:
    """Return the positions of bytes that say something; writers leave long stretches empty."""
    return np.flatnonzero(np.frombuffer(_original(layout)[1], np.uint8))


def damaged(layout: str, data: st.DataObject) -> bytes:
    """Flip bits, overwrite, cut or splice bytes of a good file."""
    raw = bytearray(_original(layout)[1])
    filled = _filled(layout)
    place = st.integers(0, len(filled) - 1).map(lambda i: int(filled[i]))
    kind = data.draw(st.sampled_from(["flip", "flip", "overwrite", "cut", "splice"]))
    if kind == "flip":
        for position in data.draw(st.lists(place, min_size=1, max_size=6)):
            raw[position] ^= 1 << data.draw(st.integers(0, 7))
    elif kind == "overwrite":
        start = data.draw(place)
        new = data.draw(st.binary(min_size=1, max_size=16))
        raw[start : start + len(new)] = new
    elif kind == "cut":
        start = data.draw(place)
        stop = data.draw(st.one_of(st.just(len(raw)), st.integers(start + 1, start + 64)))
        del raw[start:stop]
    else:
        start, source, length = data.draw(place), data.draw(place), data.draw(st.integers(1, 256))
        raw[start : start + length] = raw[source : source + length]
    return bytes(raw)


def judge(layout: str, data: st.DataObject) -> None:
    study, _, path = _original(layout)
    path.write_bytes(damaged(layout, data))
    findings = study.inspect(address(path))
    # a change that hits no number that is read may leave the part good
    assert findings.problems or findings.content_checksum
    assert all(problem.reason and problem.file for problem in findings.problems)
    try:
        status, _, _ = entries_of(study, address(path))
    except NtupleError:
        return
    assert findings.problems or "" in status


_ANY = {"deadline": None, "suppress_health_check": list(HealthCheck), "database": None}


@pytest.mark.filterwarnings("ignore")  # damaged numbers overflow
@pytest.mark.parametrize("layout", EVERY)
@settings(max_examples=8, derandomize=True, **_ANY)
@given(data=st.data())
def test_damaged_file_is_judged(layout: str, data: st.DataObject) -> None:
    judge(layout, data)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("layout", EVERY)
@settings(max_examples=200, **_ANY)
@given(data=st.data())
def test_many_damaged_files_are_judged(layout: str, data: st.DataObject) -> None:
    judge(layout, data)
