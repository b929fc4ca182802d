"""Friend files: every entry in its place, the bits of a production, and what a second call does."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import uproot
from numpy.typing import NDArray

from hitforge.apply_settings import FriendFormat
from hitforge.config import load_settings
from hitforge.entries import Column, EntryBlock, OpenEntries
from hitforge.friends import friend_names, read_about, write_summary
from hitforge.packages import ModelPackage
from hitforge.predictions import Predictions, read_predictions
from hitforge.provenance import write_json
from hitforge.samples import Part, part_id
from hitforge.shards import ShardBlock
from hitforge.stages import apply
from hitforge.stages.build_shard import build_shard
from hitforge.stages.fit_scaling import fit_scaling_of
from hitforge.stages.predict import predict_block
from hitforge.stages.validate import validate_part
from hitforge.studies.base import Study, load_study
from hitforge.training.member_files import TrainedMember, save_member
from tests.unit.csc_muon.part_builders import some_roads, write_vector
from tests.unit.given import given

SMALL = {"ens5": {"network": {"channels": 4, "dense": [8], "joint": 4}, "training": {"members": 2}}}
REASONS = ("cut", "not finite")


@dataclass(frozen=True)
class Package(ModelPackage):
    """A package that was never packed."""

    given: Mapping[str, Any]

    @property
    def calibration(self) -> Mapping[str, Any]:
        return {"factor": 2.0}

    @property
    def settings(self) -> Mapping[str, Any]:
        return self.given


class Entries(Study):
    """The study with a reader of entries of which some are bad, in blocks of 100, and a calibration that doubles."""

    reader: Study
    n_entries: int
    bad: NDArray[np.int64]
    has_truth = True

    def open_entries(self, source: str) -> Iterator[OpenEntries]:
        yield OpenEntries("vector", self.n_entries, self.has_truth, REASONS, self._blocks(source))

    def _blocks(self, source: str) -> Iterator[EntryBlock]:
        events = next(self.reader.read(source))
        for first in range(0, self.n_entries, 100):
            entries = np.arange(first, min(first + 100, self.n_entries))
            bad = np.isin(entries, self.bad)
            status = np.where(bad, 2, np.where(np.isin(entries, events.entry), 0, 1)).astype(np.uint8)
            yield EntryBlock(first, status, _chosen(events, np.isin(events.entry, entries[status == 0])))

    def friend_columns(self, model: str, predictions: Predictions, calibration: Mapping[str, Any]) -> dict[str, Column]:
        values = predictions.ensemble["q_over_pt"] * np.float32(calibration["factor"])
        return {
            "charge": Column(np.sign(values).astype(np.int8), "", "charge"),
            "q_pt": Column(values, "1/GeV", "q/pT"),
        }


def _chosen(events: ShardBlock, chosen: NDArray[np.bool_]) -> ShardBlock:
    return replace(
        events,
        features=events.features[chosen],
        bucket=events.bucket[chosen],
        entry=events.entry[chosen],
        targets={name: values[chosen] for name, values in events.targets.items()},
        truth={name: values[chosen] for name, values in events.truth.items()},
    )


@dataclass(frozen=True)
class Production:
    """A part, its shard and an ensemble of two untrained networks with what a production predicts."""

    study: Study
    part: Part
    n_entries: int
    shard: Path
    package: Package
    predictions: Predictions

    def application(self, kind: FriendFormat = "ttree", bad: tuple[int, ...] = (), n: int | None = None) -> Any:
        """Return the package, loaded, with a reader that calls some entries bad."""
        loaded = apply.load_application(self.package, kind, "hf_", "cpu")
        study = Entries(loaded.study.declared, loaded.study.settings, "apply")
        study.reader = given(self.study, "build_shard")
        study.n_entries = self.n_entries if n is None else n
        study.bad = np.array(bad, dtype=np.int64)
        return replace(loaded, study=study)


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Production:
    folder = tmp_path_factory.mktemp("apply")
    settings = load_settings({"studies": ["csc_muon"], "csc_muon": {"models": SMALL}}).studies["csc_muon"]
    study = load_study("csc_muon", settings)
    roads = some_roads()
    part = Part("part-00000000", str(write_vector(folder / "part.root", roads)), 0)
    verdict = validate_part(given(study, "validate"), part.id, str(part.source))
    shard = folder / f"{part.id}.h5"
    build_shard(given(study, "build_shard"), "test", verdict, shard, "0")
    model = folder / "model"
    fit_scaling_of(given(study, "fit_scaling"), [shard], 10, [0], model / "scaling.json")
    for k in range(2):
        weights = given(study, "train_member", "ens5").build_network("ens5", k).state_dict()
        save_member(model / f"member_{k}.safetensors", TrainedMember(weights, 1.0, 1, [], 1, 1, 1, "", 0), {})
    about = {"kind": "network", "model": "ens5", "fit": "ens5", "weights": [0.25, 0.75]}
    write_json(model / "model.json", about | {"members": [{"file": f"member_{k}.safetensors"} for k in range(2)]})
    package = Package(
        folder / "x.hitforge.zip",
        model,
        {"study": "csc_muon", "model": "ens5", "hash": "0123456789abcdef"},
        study.declared.given_settings(settings, "apply", "ens5"),
    )
    out = folder / "predictions.h5"
    predict_block(
        *(given(study, "predict", "ens5"), package.manifest, [shard], None, 10, package.scaling, "cpu", out, "0")
    )
    return Production(study, part, len(roads), shard, package, read_predictions([out]))


def read_friend(path: Path, kind: FriendFormat) -> dict[str, NDArray[Any]]:
    """Return the columns of a friend file as a reader of the format gives them."""
    if kind == "parquet":
        table = pytest.importorskip("pyarrow.parquet").read_table(path)
        return {name: np.array(table[name].to_pylist()) for name in table.column_names}
    with uproot.open({path: "hf_ens5"}) as tree:
        arrays = tree.arrays()
    return {name: arrays[name].to_numpy() for name in arrays.fields}


@pytest.mark.parametrize("kind", get_args(FriendFormat))
def test_friend_has_the_bits_of_a_production_and_holes_where_nothing_was_predicted(
    production: Production, tmp_path: Path, kind: FriendFormat
) -> None:
    if kind == "parquet":
        pytest.importorskip("pyarrow")
    out = tmp_path / ("friend.parquet" if kind == "parquet" else "friend.root")
    about = apply.apply_part(production.application(kind), production.part, out)
    wanted, found = production.predictions, read_friend(out, kind)
    kept = found["hf_status"] == 0
    assert len(kept) == production.n_entries > len(wanted) == about["predicted"]
    np.testing.assert_array_equal(np.flatnonzero(kept), wanted.entry)
    assert about["left_out"] == {"cut": int((found["hf_status"] == 1).sum())}
    for name, values in wanted.ensemble.items():
        raw = found[f"hf_raw_{name}"].astype(np.float32)
        np.testing.assert_array_equal(raw[kept], values)
        assert np.isnan(raw[~kept]).all() and raw.shape[1:] == values.shape[1:]
    np.testing.assert_array_equal(found["hf_q_pt"][kept], 2 * wanted.ensemble["q_over_pt"])
    np.testing.assert_array_equal(found["hf_target"][kept], wanted.target)
    spread = np.abs(wanted.members["q_over_pt"][:, 0] - wanted.members["q_over_pt"][:, 1]) / 2
    np.testing.assert_allclose(found["hf_member_spread"][kept], spread, rtol=1e-5)
    assert set(found["hf_charge"][~kept]) == {-1} and about["columns"]["hf_q_pt"]["units"] == "1/GeV"


def test_bad_entries_in_the_middle_have_their_reason_and_shift_no_other(production: Production, tmp_path: Path) -> None:
    bad = tuple(int(entry) for entry in production.predictions.entry[[0, 7, 150, -1]])
    about = apply.apply_part(production.application(bad=bad), production.part, tmp_path / "friend.root")
    found = read_friend(tmp_path / "friend.root", "ttree")
    assert about["status"] == {"predicted": 0, "cut": 1, "not finite": 2} and about["left_out"]["not finite"] == 4
    np.testing.assert_array_equal(np.flatnonzero(found["hf_status"] == 2), sorted(bad))
    kept = ~np.isin(production.predictions.entry, bad)
    # other events stand beside them in their batch: the same but for the last bits
    raw = found["hf_raw_q_over_pt"][production.predictions.entry]
    np.testing.assert_allclose(raw[kept], production.predictions.ensemble["q_over_pt"][kept], rtol=1e-4, atol=1e-6)
    assert np.isnan(raw[~kept]).all()
    with uproot.open(tmp_path / "friend.root") as file:
        assert "0123456789abcdef" in file["hf_ens5"].title and "2 not finite" in file["hf_ens5"].title


@pytest.mark.parametrize("kind", ["ttree", "rntuple"])
def test_parts_without_entries_or_without_any_to_predict_have_the_same_columns(
    production: Production, tmp_path: Path, kind: FriendFormat
) -> None:
    whole = tmp_path / "whole.root"
    apply.apply_part(production.application(kind), production.part, whole)
    for name, application in (
        ("empty", production.application(kind, n=0)),
        ("bad", production.application(kind, bad=tuple(range(production.n_entries)))),
    ):
        about = apply.apply_part(application, production.part, tmp_path / f"{name}.root")
        found = read_friend(tmp_path / f"{name}.root", kind)
        assert list(found) == list(read_friend(whole, kind))
        assert about["predicted"] == 0 and len(found["hf_status"]) == about["entries"] == application.study.n_entries
        assert about["left_out"] == ({} if name == "empty" else {"not finite": production.n_entries})


def test_part_without_truth_has_no_column_of_it(production: Production, tmp_path: Path) -> None:
    application = production.application()
    application.study.has_truth = False
    about = apply.apply_part(application, production.part, tmp_path / "friend.root")
    assert "hf_target" not in about["columns"] and "hf_q_pt" in about["columns"]


def test_reader_that_loses_an_entry_is_caught_and_nothing_is_written(production: Production, tmp_path: Path) -> None:
    application = production.application()
    lost = application.study._blocks

    def blocks(source: str) -> Iterator[EntryBlock]:
        return (block for block in lost(source) if block.first_entry != 100)

    application.study._blocks = blocks
    with pytest.raises(AssertionError, match="passes over entries at 100"):
        apply.apply_part(application, production.part, tmp_path / "friend.root")
    assert list(tmp_path.iterdir()) == []


def test_friend_file_is_kept_as_long_as_it_would_come_out_the_same(production: Production, tmp_path: Path) -> None:
    source = tmp_path / "part.root"
    source.write_bytes(Path(str(production.part.source)).read_bytes())
    part, out, application = Part("part-0", str(source), 0), tmp_path / "part.friend.root", production.application()
    assert apply.made_before(application, part, out) is None
    about = apply.apply_part(application, part, out)
    assert apply.made_before(application, part, out) == about == read_about(out)
    other = replace(application.package, about={**application.package.about, "hash": "f" * 16})
    assert apply.made_before(replace(application, package=other), part, out) is None
    assert apply.made_before(replace(application, kind="rntuple"), part, out) is None
    assert apply.made_before(replace(application, prefix="cnn_"), part, out) is None
    os.utime(source, ns=(0, 0))
    assert apply.made_before(application, part, out) is None
    with pytest.raises(FileExistsError, match=r"belongs to .*part.root, not to .*other.root; remove it"):
        apply.made_before(application, replace(part, source=str(tmp_path / "other.root")), out)
    out.write_bytes(b"root")
    with pytest.raises(FileExistsError, match="no friend file"):
        apply.made_before(application, part, out)


def test_names_are_short_unless_two_parts_would_share_one() -> None:
    sources = ("a/run-1.root", "a/x.v2 (copy).root", "root://server//b/run-1.root")
    parts = [Part(part_id(source), source, 0) for source in sources]
    names = list(friend_names(parts, "cnn", "ttree").values())
    assert names == [f"{parts[0].id}.cnn.root", "x.v2_copy_.cnn.root", f"{parts[2].id}.cnn.root"]
    assert list(friend_names(parts[:1], "cnn", "parquet").values()) == ["run-1.cnn.parquet"]


def test_summary_remembers_earlier_calls_but_not_files_that_are_gone(tmp_path: Path) -> None:
    (tmp_path / "here.root").touch()
    path = tmp_path / "friends.cnn.json"
    write_summary(path, {"here.root": {"entries": 3, "columns": {}}, "gone.root": {"entries": 4}}, {})
    write_summary(path, {"new.root": {"entries": 5}}, {"bad": "why"})
    found = json.loads(path.read_text())
    assert found == {"friends": {"here.root": {"entries": 3}, "new.root": {"entries": 5}}, "failed": {"bad": "why"}}


@pytest.mark.parametrize("prefix", ["", "1a", "a b", "é"])
def test_prefix_that_root_cannot_name_is_refused(production: Production, prefix: str) -> None:
    with pytest.raises(ValueError, match="begin with a letter"):
        apply.load_application(production.package, "ttree", prefix, "cpu")


def test_format_without_its_library_says_what_to_install(
    production: Production, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with suppress(KeyError):
        monkeypatch.delitem(__import__("sys").modules, "pyarrow.parquet")
    with pytest.raises(ValueError, match=r"pip install 'hitforge\[parquet\]'"):
        apply.load_application(production.package, "parquet", "hf_", "cpu")
