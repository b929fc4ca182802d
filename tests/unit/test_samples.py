"""Part ids and blocks stay where they are when data are added."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitforge.config import SampleSettings
from hitforge.sample_sheet import read_sheet
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


def test_sheet_rows_of_one_sample_add_their_sources(tmp_path: Path) -> None:
    sheet = tmp_path / "samples.tsv"
    sheet.write_text(
        "# comment\nstudy\tsample\trole\tsource\tn_parts\tn_events\tspectrum\n"
        "calo_muon\ttrain\ttrain\ta/*.root\t\t\t\ncalo_muon\ttrain\ttrain\tb.root\t\t\t\n"
        "calo_muon\ttest\ttest\tsimulate\t2\t110\tdiscrete\n"
    )
    read = read_sheet(sheet)["calo_muon"]
    assert read["train"]["source"] == ("a/*.root", "b.root")
    assert read["test"] == {
        "role": "test",
        "source": "simulate",
        "parts": 2,
        "events_per_part": 110,
        "spectrum": "discrete",
    }


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("calo_muon\t../x\ttrain\ta.root", "may hold letters"),
        ("calo_muon\ttrain\t\ta.root", "'role' is missing"),
    ],
)
def test_sheet_mistakes_name_the_row(tmp_path: Path, row: str, message: str) -> None:
    sheet = tmp_path / "samples.tsv"
    sheet.write_text(f"study\tsample\trole\tsource\n{row}\n")
    with pytest.raises(ConfigError, match=f"row 1.*{message}"):
        read_sheet(sheet)


def test_an_npz_file_is_read_in_slices() -> None:
    sample = SampleSettings(role="train", source="data/histos.npz", parts=3)
    parts = sorted(list_parts("train", sample), key=lambda part: part.index)
    assert [part.source for part in parts] == [f"data/histos.npz#slice_{k}_of_3" for k in range(3)]
    assert {part.local_path for part in parts} == {"data/histos.npz"}
    (whole,) = list_parts("train", SampleSettings(role="train", source="data/histos.npz"))
    assert whole.source == "data/histos.npz"
