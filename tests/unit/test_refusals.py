"""What the operating system refuses is never called damage: every reader, and what later stages read."""

from __future__ import annotations

import errno
import fcntl
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import uproot
from numpy._core._exceptions import _ArrayMemoryError

from hitforge.config import load_settings
from hitforge.hdf5_files import open_hdf5
from hitforge.ntuple import NtupleError, naming_damage, open_root
from hitforge.predictions import read_predictions
from hitforge.provenance import read_json, write_json
from hitforge.refusals import RefusedError, is_missing, refused, system_error
from hitforge.shards import Shard, ShardError
from hitforge.stages.validate import validate_part
from hitforge.studies.base import load_study
from hitforge.training.checkpoint import load_checkpoint, save_checkpoint
from hitforge.training.member_files import MemberError, load_member

PASSING = [
    errno.EACCES,
    errno.EPERM,
    errno.EIO,
    errno.ESTALE,
    errno.ETIMEDOUT,
    errno.EAGAIN,
    errno.EMFILE,
    errno.ENOLCK,
]
HDF5_WORDS = "Unable to synchronously open file (file read failed: errno = {}, error message = 'x')"


def failing(error: BaseException) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def system(number: int) -> OSError:
    return OSError(number, os.strerror(number))


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock that a process holds which writes the file."""
    with path.open("rb") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@pytest.mark.parametrize("number", PASSING)
@pytest.mark.parametrize("kind", [OSError, RuntimeError, KeyError])
def test_the_number_is_found_wherever_a_library_has_it(number: int, kind: type[Exception]) -> None:
    assert system_error(kind(HDF5_WORDS.format(number))) == number
    above = ValueError("cannot be decompressed")
    above.__cause__ = system(number)
    assert system_error(above) == number
    refusal = refused(above, "a.root")
    assert refusal is not None
    assert refusal.errno == number
    assert str(refusal).startswith("a.root: cannot be read now")


@pytest.mark.parametrize(
    "error",
    [
        OSError("Unable to synchronously open file (file signature not found)"),
        OSError(errno.EINVAL, "a seek before the start"),
        OSError(errno.EOVERFLOW, "an offset that is too large"),
        ValueError("not a number"),
        EOFError(),
        MemoryError(),
        _ArrayMemoryError((1 << 50,), np.dtype("f8")),
    ],
)
def test_what_damage_provokes_is_no_refusal(error: Exception) -> None:
    assert refused(error, "a.root") is None
    with pytest.raises(NtupleError, match="not readable by uproot"), naming_damage("a.root"):
        raise error


def test_a_lack_of_memory_and_of_an_answer_are_refusals() -> None:
    assert "mem_mb" in str(refused(_ArrayMemoryError((1000,), np.dtype("f8")), "a.root"))
    assert refused(TimeoutError("no answer"), "a.root") is not None


def test_a_file_that_a_library_looks_for_in_passing_is_not_the_part() -> None:
    error = ValueError("cannot be decompressed")
    error.__context__ = FileNotFoundError(errno.ENOENT, "no such file")
    assert not is_missing(error)


@pytest.mark.parametrize("number", PASSING)
@pytest.mark.parametrize("study", ["calo_muon", "csc_muon", "object_id", "scouting_egamma"])
def test_no_reader_of_root_files_gives_a_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, study: str, number: int
) -> None:
    (tmp_path / "a.root").write_bytes(b"root" * 100)
    verdict = tmp_path / "verdict.json"
    settings = load_settings({"studies": [study], "preset": "demo"}).studies[study]
    opened = Path.open

    def open_others(path: Path, *arguments: Any, **named: Any) -> Any:
        if path.name == "a.root":
            raise system(number)
        return opened(path, *arguments, **named)

    for owner, function in ((Path, open_others), (uproot, failing(system(number)))):
        with monkeypatch.context() as patch:
            patch.setattr(owner, "open", function)
            with pytest.raises(RefusedError, match=r"a\.root: cannot be read now"):
                validate_part(load_study(study, settings), "a", str(tmp_path / "a.root"), verdict)
    assert not verdict.exists()


@pytest.mark.parametrize("number", PASSING)
def test_no_reader_of_fold_and_npz_files_gives_a_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    readers = {
        "calo_muon": ("feb.hdf5", "#fold_0", h5py, "File", OSError(HDF5_WORDS.format(number))),
        "csc_muon": ("histos.npz", "#slice_0_of_2", zipfile, "ZipFile", system(number)),
    }
    for study, (name, inside, owner, function, error) in readers.items():
        (tmp_path / name).write_bytes(b"any")
        settings = load_settings({"studies": [study], "preset": "demo"}).studies[study]
        with monkeypatch.context() as patch:
            patch.setattr(owner, function, failing(error))
            with pytest.raises(RefusedError, match="cannot be read now"):
                validate_part(load_study(study, settings), "a", f"{tmp_path}/{name}{inside}")


def test_a_folder_in_place_of_a_part_is_said_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(NtupleError, match="is a folder, not a file"), open_root(tmp_path):
        pass


def test_a_locked_file_names_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w"):
        pass
    for read in (Shard, lambda p: read_predictions([p]), lambda p: open_hdf5(p, ValueError, "make it again")):
        with locked(path), pytest.raises(RefusedError, match=r"a\.h5: is locked.*HDF5_USE_FILE_LOCKING") as caught:
            read(path)
        assert "delete" not in str(caught.value)


@pytest.mark.parametrize(("number", "kind"), [(errno.EACCES, RefusedError), (errno.EIO, RefusedError)])
def test_later_stages_advise_to_delete_only_what_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[Exception]
) -> None:
    path = tmp_path / "a.file"
    path.write_bytes(b"neither HDF5 nor JSON nor a network \xff")
    readers: list[tuple[Callable[[Path], object], type[Exception]]] = [
        (Shard, ShardError),
        (lambda p: read_predictions([p]), ValueError),
        (load_member, MemberError),
        (read_json, ValueError),
    ]
    for read, damaged in readers:
        with pytest.raises(damaged, match=r"a\.file.*delete it"):
            read(path)
        with pytest.raises(FileNotFoundError, match=r"none\.file") as missing:
            read(tmp_path / "none.file")
        assert "delete" not in str(missing.value)
        with monkeypatch.context() as patch:
            patch.setattr(h5py, "File", failing(OSError(HDF5_WORDS.format(number))))
            patch.setattr(Path, "read_text", failing(system(number)))
            patch.setattr(Path, "open", failing(system(number)))
            with pytest.raises(kind, match=r"a\.file: cannot be read now") as refusal:
                read(path)
        assert "delete" not in str(refusal.value)


def test_a_checkpoint_that_cannot_be_read_now_is_not_trained_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "member_0.pt"
    save_checkpoint(path, {"identity": "me", "epoch": 1})
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", failing(system(errno.EIO)))
        with pytest.raises(RefusedError, match=r"member_0\.pt: cannot be read now.*run again"):
            load_checkpoint(path, "me")
    found = load_checkpoint(path, "me")
    assert found is not None
    assert found["epoch"] == 1


def test_a_refusal_of_json_is_not_called_a_mistake_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_json(tmp_path / "a.json", {})
    monkeypatch.setattr(Path, "read_text", failing(system(errno.ESTALE)))
    with pytest.raises(RefusedError, match=r"a\.json: cannot be read now.*run again"):
        read_json(tmp_path / "a.json")
