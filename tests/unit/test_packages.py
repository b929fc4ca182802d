"""Model packages: what goes in comes out, the same bytes each time, and every damage is told."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hitforge.packages import ABOUT, REQUIRED, PackageError, open_package, write_package
from hitforge.provenance import content_hash

FILES = {name: f'{{"content": "{name}"}}'.encode() for name in REQUIRED} | {
    "member_0.safetensors": bytes(range(256)) * 20,
    "scaling.json": b"{}",
}
Change = Callable[[dict[str, bytes]], Any]


def written(folder: Path, files: dict[str, bytes] = FILES) -> Path:
    path = folder / "m.hitforge.zip"
    write_package(path, "calo_muon", "cnn", files, kind="network")
    return path


def error_of(path: Path) -> str:
    with pytest.raises(PackageError) as caught, open_package(path):
        pass
    assert str(path) in str(caught.value)
    return str(caught.value)


def changed(folder: Path, change: Change, compression: int = zipfile.ZIP_STORED) -> Path:
    """Return a package whose files were changed after it was written."""
    with zipfile.ZipFile(written(folder)) as package:
        files = {name: package.read(name) for name in package.namelist()}
    change(files)
    path = folder / "changed.hitforge.zip"
    with zipfile.ZipFile(path, "w", compression) as package:
        for name, content in files.items():
            package.writestr(name, content)
    return path


def about_with(rehash: bool = True, **fields: Any) -> Change:
    """Return a change of fields of ``package.json``, whose own hash may fit again."""

    def change(files: dict[str, bytes]) -> None:
        about = json.loads(files[ABOUT]) | fields
        if rehash:
            about["hash"] = content_hash({key: value for key, value in about.items() if key != "hash"})
        files[ABOUT] = json.dumps(about).encode()

    return change


def test_what_goes_in_comes_out_and_is_gone_when_closed(tmp_path: Path) -> None:
    with open_package(written(tmp_path)) as package:
        assert (package.study, package.model, package.about["kind"]) == ("calo_muon", "cnn", "network")
        assert {path.name: path.read_bytes() for path in package.folder.iterdir() if path.name != ABOUT} == FILES
        assert package.manifest.read_bytes() == FILES["model.json"]
        assert package.scaling is not None and package.scaling.parent == package.manifest.parent
        for found, name in ((package.calibration, "calibration"), (package.settings, "settings")):
            assert found == {"content": f"{name}.json"}
    assert not package.folder.exists()


def test_the_same_content_is_the_same_file_and_other_content_has_another_hash(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    assert written(first).read_bytes() == written(second, dict(reversed(FILES.items()))).read_bytes()
    with open_package(written(first)) as one, open_package(written(second, FILES | {"README.md": b"x"})) as other:
        assert len(one.hash) == 16 and one.hash != other.hash


def test_trees_have_no_scaling(tmp_path: Path) -> None:
    files = {name: FILES[name] for name in REQUIRED} | {"booster_0.ubj": b"trees"}
    with open_package(written(tmp_path, files)) as package:
        assert package.scaling is None


def test_only_known_names_are_written(tmp_path: Path) -> None:
    for name in ("../model.json", "run.py", "member_0.pt"):
        with pytest.raises(PackageError, match="no place"):
            written(tmp_path, FILES | {name: b""})
    with pytest.raises(PackageError, match=r"README\.md missing"):
        written(tmp_path, {name: content for name, content in FILES.items() if name != "README.md"})
    assert list(tmp_path.iterdir()) == []


def test_no_file_and_no_zip(tmp_path: Path) -> None:
    assert "no such file" in error_of(tmp_path / "none.hitforge.zip")
    text = tmp_path / "text.hitforge.zip"
    text.write_text("a model")
    assert "damaged" in error_of(text)


@pytest.mark.parametrize("kept", [0, 10, 3000, -1])
def test_a_truncated_package_is_damaged(tmp_path: Path, kept: int) -> None:
    path = written(tmp_path)
    path.write_bytes(path.read_bytes()[:kept])
    assert "damaged" in error_of(path)


def test_no_flipped_byte_passes(tmp_path: Path) -> None:
    path = written(tmp_path)
    whole = path.read_bytes()
    with open_package(path) as package:
        content = {file.name: file.read_bytes() for file in package.folder.iterdir()}
    for position in range(0, len(whole), 53):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x10]) + whole[position + 1 :])
        try:
            with open_package(path) as package:
                # times and rights of the container may differ, what is unpacked may not
                assert {file.name: file.read_bytes() for file in package.folder.iterdir()} == content
        except PackageError as error:
            assert str(path) in str(error)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda files: files.pop(ABOUT), "not a model package"),
        (lambda files: files.pop("metrics.json"), r"metrics.json missing"),
        (lambda files: files.pop("member_0.safetensors"), "listed and not there"),
        (lambda files: files.update({"member_1.safetensors": b""}), "there and not listed"),
        (lambda files: files.update({"../outside.json": b""}), "has no place"),
        (lambda files: files.update({"member_0.safetensors": b"other"}), "not the file that was packed"),
        (lambda files: files.update({ABOUT: b"{"}), "not valid JSON"),
        (lambda files: files.update({ABOUT: b"[]"}), "format is not hitforge-model"),
        (about_with(format="zip"), "format is not hitforge-model"),
        (
            about_with(format_version=2, hitforge_version="9.1"),
            "version 2, made by hitforge 9.1; this release reads version 1: pip install -U hitforge",
        ),
        (about_with(rehash=False, model="layers"), "was changed after it was written"),
        (about_with(study="x.y"), "study"),
        (about_with(files={"model.json": {"sha256": "no", "bytes": 1}}), "sha256"),
        (about_with(study="tau_id"), "tau_id, which this installation does not have"),
    ],
)
def test_every_change_is_told(tmp_path: Path, change: Change, told: str) -> None:
    assert told in error_of(changed(tmp_path, change))
    assert not (tmp_path / "outside.json").exists()


def test_nothing_that_could_grow_is_unpacked(tmp_path: Path) -> None:
    path = changed(tmp_path, lambda files: files.update({"metrics.json": b"0" * 10**6}), zipfile.ZIP_DEFLATED)
    assert "is compressed" in error_of(path)
