"""Reading ntuples: both layouts give the same objects, every fault is found and named."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import uproot

from hitforge.folds import event_bucket
from hitforge.ntuple import NtupleError
from hitforge.studies.object_id.data.cuts import CutSettings
from hitforge.studies.object_id.data.image import ImageSettings
from hitforge.studies.object_id.data.ntuple import read_objects
from hitforge.studies.object_id.data.objects import SCALARS, Objects, join
from hitforge.studies.object_id.data.validation import inspect_part
from hitforge.studies.object_id.settings import ReaderSettings
from hitforge.validation import PartFindings
from tests.unit.object_id.part_builders import IMAGE, some_objects, write_cells, write_images

PLAIN, LISTS, CUTS = ReaderSettings(), ReaderSettings(layout="cells"), CutSettings()


def inspect(path: Path, settings: ReaderSettings = PLAIN, chunk_mb: float = 8.0) -> PartFindings:
    return inspect_part(path, reader=settings, image=IMAGE, cuts=CUTS, chunk_mb=chunk_mb)


def reasons(findings: PartFindings) -> list[tuple[str, str]]:
    return [(problem.reason, problem.branch) for problem in findings.problems]


def changed(**columns: np.ndarray) -> Objects:
    good = some_objects()
    return Objects(**{**good.__dict__, **columns})


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path, good = write_images(tmp_path / "a.root", some_objects()), some_objects()
    read = join([objects for _, objects in read_objects(path, PLAIN, IMAGE)])
    for name, values in good.__dict__.items():
        assert np.array_equal(getattr(read, name), values), name
    assert inspect(path).good and inspect(path).n_events > 0


def test_lists_of_cells_give_the_same_images_and_phi_is_wrapped(tmp_path: Path) -> None:
    good = changed(phi=np.full(400, np.pi - 0.01, np.float32))
    path = write_cells(tmp_path / "a.root", good)
    read = join([objects for _, objects in read_objects(path, LISTS, IMAGE)])
    assert read.image == pytest.approx(good.image, rel=1e-5)
    small = ImageSettings(rows=8, columns=8)
    inner = join([objects for _, objects in read_objects(path, LISTS, small)])
    assert inner.image == pytest.approx(good.image[:, :, 4:12, 4:12], rel=1e-5)


def test_chunks_never_cut_an_event(tmp_path: Path) -> None:
    path = write_images(tmp_path / "a.root", some_objects(), chunk=33)
    chunks = list(read_objects(path, PLAIN, IMAGE, chunk_mb=0.02))
    assert len(chunks) > 3
    assert [first for first, _ in chunks] == np.cumsum([0, *(len(o) for _, o in chunks[:-1])]).tolist()
    assert all(a.event[-1] != b.event[0] for (_, a), (_, b) in pairwise(chunks))
    assert np.array_equal(join([objects for _, objects in chunks]).image, some_objects().image)


def test_checksum_is_that_of_the_content(tmp_path: Path) -> None:
    first = inspect(write_images(tmp_path / "a.root", some_objects()))
    second = inspect(write_images(tmp_path / "renamed.root", some_objects(), chunk=33), chunk_mb=0.02)
    assert first.content_checksum == second.content_checksum and first.cut_flow == second.cut_flow
    other = inspect(write_images(tmp_path / "c.root", changed(npv=some_objects().npv + np.int16(1))))
    assert other.content_checksum != first.content_checksum


def test_identity_is_the_event_within_the_data_set() -> None:
    event = some_objects().event
    bucket = event_bucket(event, "a")
    assert np.array_equal(bucket[::2], bucket[1::2])  # both leptons of a Z are in the same fold
    assert np.array_equal(event_bucket(event[50:90], "a"), bucket[50:90])
    assert not np.array_equal(event_bucket(event, "b"), bucket)


def test_faults_of_values_are_named_with_their_entry(tmp_path: Path) -> None:
    good = some_objects()
    image, label, weight = good.image.copy(), good.label.copy(), good.w.copy()
    image[7, 0, 3, 3], image[9, 1, 0, 0] = np.nan, -1.0
    label[11], weight[5] = 4, -2.0
    findings = inspect(write_images(tmp_path / "a.root", changed(image=image, label=label, w=weight)))
    found = {(p.reason, p.branch): p.entry for p in findings.problems}
    assert found == {
        ("not_finite", "em"): 7,
        ("negative_cell", "had"): 9,
        ("unknown_label", "label"): 11,
        ("bad_weight", "w"): 5,
    }
    assert findings.content_checksum == "" and all(p.fix for p in findings.problems)
    with pytest.raises(NtupleError, match=r"a\.root, tree objects, branch em, entry 7: a cell is NaN"):
        list(read_objects(tmp_path / "a.root", PLAIN, IMAGE))


def test_an_event_in_two_pieces_is_found(tmp_path: Path) -> None:
    event = some_objects().event.copy()
    event[20] = event[0]
    assert reasons(inspect(write_images(tmp_path / "a.root", changed(event=event)))) == [("split_event", "event")]


def test_missing_branches_wrong_types_and_wrong_shapes(tmp_path: Path) -> None:
    good = some_objects()
    flat = good.image.reshape(len(good), 2, -1)
    columns = {"em": flat[:, 0, :100], "had": flat[:, 1].astype(np.int32)}
    columns |= {name: getattr(good, name) for name in SCALARS if name != "npv"} | {"label": good.pt}
    with uproot.recreate(tmp_path / "a.root") as file:
        types = {name: (values.dtype, values.shape[1:]) for name, values in columns.items()}
        file.mktree("objects", types).extend(columns)
    found = {("wrong_shape", "em"), ("wrong_type", "had"), ("wrong_type", "label"), ("missing_branch", "npv")}
    assert set(reasons(inspect(tmp_path / "a.root"))) == found
    assert {branch for _, branch in reasons(inspect(tmp_path / "a.root", LISTS))} >= {"cell_eta", "cell_layer"}


def test_no_objects_no_tree_and_no_file(tmp_path: Path) -> None:
    empty = write_images(tmp_path / "a.root", some_objects().take(slice(0, 0)))
    assert reasons(inspect(empty)) == [("empty_tree", "")]
    assert [reason for reason, _ in reasons(inspect(tmp_path / "b.root"))] == ["missing_file"]
    with uproot.recreate(tmp_path / "c.root") as file:
        file.mktree("other", {"x": "f4"})
    assert [reason for reason, _ in reasons(inspect(tmp_path / "c.root"))] == ["missing_tree"]


def test_damaged_files_are_findings(tmp_path: Path) -> None:
    path = write_images(tmp_path / "a.root", some_objects(100))
    whole = path.read_bytes()
    for keep in (0, 10, len(whole) // 3, len(whole) - 30):
        path.write_bytes(whole[:keep])
        assert not inspect(path).good, keep
    rng = np.random.default_rng(3)
    found = 0
    for _ in range(10):
        damaged = bytearray(whole)
        at = int(rng.integers(0, len(whole) - 200))
        damaged[at : at + 200] = rng.bytes(200)
        path.write_bytes(bytes(damaged))
        found += not inspect(path).good  # must not raise
    assert found >= 2  # much of a small file is metadata that is not read
