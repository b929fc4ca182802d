"""Part ids and blocks stay where they are when data are added."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hitforge.config import SampleSettings
from hitforge.samples import Part, assign_blocks, list_parts, part_id
from hitforge.yaml_files import ConfigError


def sample(**changes: object) -> SampleSettings:
    return SampleSettings.model_validate({"role": "train", **changes})


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


@given(st.text(min_size=1, max_size=80))
def test_part_id_is_safe_as_a_file_name(name: str) -> None:
    assert set(part_id(name)) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


def test_ids_survive_moving_the_data_and_adding_files(tmp_path: Path) -> None:
    touch(tmp_path / "a", "run1/x.root", "run2/x.root")
    touch(tmp_path / "b", "run0/x.root", "run1/x.root", "run2/x.root")
    first = {p.id for p in list_parts("train", sample(source=f"{tmp_path}/a/run*/*.root"))}
    second = {p.id for p in list_parts("train", sample(source=f"{tmp_path}/b/run*/*.root"))}
    assert len(first) == 2 and first < second


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    touch(tmp_path, "a/x.root", "b/x.root")
    with pytest.raises(ConfigError, match="have the same name"):
        list_parts("train", sample(source=(f"{tmp_path}/a/x.root", f"{tmp_path}/b/x.root")))


def test_pattern_without_files_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="matches no file"):
        list_parts("train", sample(source=f"{tmp_path}/*.root"))


def test_environment_variable_is_expanded_or_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "x.root")
    monkeypatch.setenv("MY_DATA", str(tmp_path))
    assert len(list_parts("train", sample(source="$MY_DATA/*.root"))) == 1
    monkeypatch.delenv("MY_DATA")
    with pytest.raises(ConfigError, match="MY_DATA is not set"):
        list_parts("train", sample(source="$MY_DATA/*.root"))


def test_fold_file_has_one_part_a_fold() -> None:
    parts = list_parts("train", sample(source="feb.hdf5", parts=3))
    assert [part.source for part in sorted(parts, key=lambda p: p.index)] == [f"feb.hdf5#fold_{i}" for i in range(3)]
    with pytest.raises(ConfigError, match="number of folds"):
        list_parts("train", sample(source="feb.hdf5"))


@given(st.lists(st.integers(0, 10**6), unique=True, min_size=1, max_size=60), st.integers(1, 40))
def test_adding_parts_moves_none(numbers: list[int], n_blocks: int) -> None:
    parts = [Part(part_id(f"f{number}.root"), f"f{number}.root", number) for number in numbers]

    def homes(some: list[Part]) -> dict[str, str]:
        return {part.id: block for block, members in assign_blocks(some, n_blocks).items() for part in members}

    before, after = homes(parts[: len(parts) // 2 + 1]), homes(parts)
    assert before.items() <= after.items()
    assert len(set(after.values())) <= n_blocks


def test_block_of_a_part_never_changes() -> None:
    """Another number would make all shards, models and predictions anew."""
    parts = [Part(name, None, 0) for name in ("a", "b", "c")]
    assert {block: [part.id for part in own] for block, own in assign_blocks(parts, 1000).items()} == {
        "b333": ["b"],
        "b343": ["a"],
        "b555": ["c"],
    }


def test_an_npz_file_is_read_in_slices() -> None:
    sample = SampleSettings(role="train", source="data/histos.npz", parts=3)
    parts = sorted(list_parts("train", sample), key=lambda part: part.index)
    assert [part.source for part in parts] == [f"data/histos.npz#slice_{k}_of_3" for k in range(3)]
    assert {part.local_path for part in parts} == {"data/histos.npz"}
    (whole,) = list_parts("train", SampleSettings(role="train", source="data/histos.npz"))
    assert whole.source == "data/histos.npz"


@pytest.mark.parametrize(
    "name", ["a#b.root", "run[1].root", "a b.root", "a::b.root", "it's.root", 'quo"te.root', "größe.root", "d#e/f.root"]
)
def test_every_name_is_found_by_itself_and_by_a_pattern(tmp_path: Path, name: str) -> None:
    touch(tmp_path, name)
    for source in (f"{tmp_path}/{name}", f"{tmp_path}/**/*.root"):
        (part,) = list_parts("train", sample(source=source))
        assert part.source == part.local_path == f"{tmp_path}/{name}"


def test_a_dollar_in_a_name_is_no_variable(tmp_path: Path) -> None:
    touch(tmp_path, "$NOT_SET.root")
    (part,) = list_parts("train", sample(source=f"{tmp_path}/$NOT_SET.root"))
    assert part.source == f"{tmp_path}/$NOT_SET.root"


def test_a_name_with_brackets_is_no_pattern_after_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "run[1].root")
    monkeypatch.setenv("MY_DATA", str(tmp_path))
    (part,) = list_parts("train", sample(source="$MY_DATA/run[1].root"))
    assert part.source == f"{tmp_path}/run[1].root"


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("d#1/feb.hdf5#fold_3", "d#1/feb.hdf5"),
        ("a#fold_3.root", "a#fold_3.root"),
        ("a#slice_0_of_2.root", "a#slice_0_of_2.root"),
        ("a.npz#slice_0_of_2", "a.npz"),
    ],
)
def test_only_the_address_inside_a_file_is_cut_off(source: str, path: str) -> None:
    assert Part("x", source, 0).local_path == path


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a{b}.root", r"a\{b\}\.root: the workflow engine takes \{ and \}"),
        ("a\nb.root", r"may not hold the character '\\n'"),
        (os.fsdecode(b"a\xe9.root"), r"may not hold the character '\\udce9'"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused_with_its_character(tmp_path: Path, name: str, message: str) -> None:
    touch(tmp_path, name)
    with pytest.raises(ConfigError, match=message):
        list_parts("train", sample(source=f"{tmp_path}/*.root"))


def test_a_folder_that_may_not_be_read_is_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``glob`` would leave out its files without a word."""
    touch(tmp_path, "a/x.root", "b/y.root")
    real = os.scandir

    def scandir(folder: str) -> object:
        if str(folder).rstrip("/").endswith("/b"):
            raise PermissionError(errno.EACCES, "Permission denied", folder)
        return real(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(ConfigError, match=r"the folder .*/b.* cannot be read: Permission denied"):
        list_parts("train", sample(source=f"{tmp_path}/*/*.root"))


@pytest.mark.parametrize("source", [[], "", "  ", ["a.root", ""], ["simulate", "a.root"], True])
def test_a_source_is_named(source: object) -> None:
    with pytest.raises(ValidationError, match="source"):
        sample(source=source, parts=1, events_per_part=1)


def test_a_list_of_files_is_a_source(tmp_path: Path) -> None:
    for name in ("run1/a.root", "run2/a.root", "more/b.root", "more/c.root"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    lines = ("# a chain", "run1/a.root", "", f"  {tmp_path}/run2/a.root", "more/*.root", "root://host//store/a.root")
    (tmp_path / "muons.list").write_text("\r\n".join(lines))
    parts = sorted(list_parts("train", sample(source=f"{tmp_path}/muons.list")), key=lambda part: part.index)
    files = [f"{tmp_path}/{name}" for name in ("run1/a.root", "run2/a.root", "more/b.root", "more/c.root")]
    assert [part.source for part in parts] == [*files, lines[-1]]
    assert [part.id for part in parts][:3] == [
        part_id("run1/a.root"), part_id(files[1]), part_id("more/*.root/b.root"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("gone.root", r"muons.list, line 2: gone.root: no such file; relative paths start at the list's folder"),
        ("*.root", r"muons.list, line 2: .*\*.root: the pattern matches no file"),
        ("$NOT_SET/a.root", r"muons.list, line 2: .*NOT_SET is not set"),
        ("other.list", r"muons.list, line 2: other.list: a list of files may not name another one"),
    ],
)
def test_line_of_a_list_that_cannot_be_is_named(tmp_path: Path, line: str, words: str) -> None:
    (tmp_path / "muons.list").write_text(f"# first\n{line}\n")
    with pytest.raises(ConfigError, match=words):
        list_parts("train", sample(source=f"{tmp_path}/muons.list"))


def test_list_without_files_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "muons.list").write_text("# nothing yet\n")
    with pytest.raises(ConfigError, match=r"muons.list: the list names no file"):
        list_parts("train", sample(source=f"{tmp_path}/muons.list"))
