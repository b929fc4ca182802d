"""Reading: both layouts, every fault with its reason, damaged files that never raise from inspection."""

from __future__ import annotations

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from hitforge.folds import event_bucket
from hitforge.inspection import good_events
from hitforge.ntuple import NtupleError
from hitforge.studies.scouting_egamma.data.candidates import COLUMNS, TRACK
from hitforge.studies.scouting_egamma.data.ntuple import open_candidates
from hitforge.studies.scouting_egamma.data.validation import inspect_part
from hitforge.studies.scouting_egamma.settings import ReaderSettings
from hitforge.studies.scouting_egamma.simulation.write import write_part
from tests.unit.scouting_egamma.builders import DEAD, changed, simulated, write

SOME = simulated().take(np.arange(500))
READER = ReaderSettings()


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "part.root"
    assert write_part(path, [SOME.take(np.arange(300)), SOME.take(np.arange(300, 500))], DEAD) == 500
    chunks = list(good_events(open_candidates(path, READER, chunk_mb=0.01)))
    assert [first for first, _ in chunks] == [0, 300]
    for name in COLUMNS:
        np.testing.assert_array_equal(np.concatenate([found[name] for _, found in chunks]), SOME[name])
    findings = inspect_part(path, reader=READER)
    assert findings.good and findings.layout == "scalars"
    assert dict(findings.cut_flow)["all"] == 500 and findings.n_events == int((SOME["e_reco"] > 0).sum())


def test_dead_channels_are_written_beside_the_candidates(tmp_path: Path) -> None:
    write_part(tmp_path / "part.root", [SOME], DEAD)
    with uproot.open(tmp_path / "part.root") as file:
        listed = file["dead_channels"].arrays(library="np")
    assert 0.006 < len(listed["ieta"]) / (170 * 360) < 0.01
    assert set(np.unique(np.abs(listed["ieta"]))) <= set(range(1, 86)) and listed["iphi"].min() >= 1
    masked = set(zip(listed["ieta"].tolist(), listed["iphi"].tolist(), strict=True))
    own = [(i, j) in masked for i, j in zip(SOME["ieta"].tolist(), SOME["iphi"].tolist(), strict=True)]
    # a dead crystal holds nothing, so it is no seed
    assert not (np.array(own) & (SOME["is_EB"] > 0) & (SOME["e_reco"] > 0)).any()


def test_other_names_and_no_weight(tmp_path: Path) -> None:
    path = write(tmp_path / "a.root", SOME, leave_out="w")
    assert (next(good_events(open_candidates(path, READER)))[1]["w"] == 1).all()
    swapped = ReaderSettings(branches={"pse": "raw_energy"})
    assert (next(good_events(open_candidates(path, swapped)))[1]["pse"] == SOME["raw_energy"]).all()
    with pytest.raises(ValueError, match="not known"):
        ReaderSettings(branches={"energy": "e"})


def test_best_track_of_vectors(tmp_path: Path) -> None:
    few = SOME.take(np.arange(4))
    detain = ak.Array([[0.3, -0.1], [], [0.2], [0.1, -0.1, 0.5]])
    vectors = {name: detain * 0 + k for k, name in enumerate(TRACK)}
    vectors["detain"] = detain
    vectors["fbrem"] = ak.Array([[0.9, 0.2], [], [0.5], [0.1, 0.7, 0.3]])
    vectors["trkchi2overndf"] = ak.Array([[1.0, 9.0], [], [1.0], [2.0, 1.0, 0.5]])
    path = write(tmp_path / "v.root", few, vectors)
    found = next(good_events(open_candidates(path, READER)))[1]
    # nearest in eta; of two equally near ones the better fit; none is NaN
    np.testing.assert_allclose(found["fbrem"], [0.2, np.nan, 0.5, 0.7], rtol=1e-6)
    assert inspect_part(path, reader=READER).layout == "vectors"


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("gen_pt", np.nan, "not_finite"),
        ("gen_pt", 0.0, "not_positive"),
        ("e_reco", -1.0, "negative_energy"),
        ("raw_energy", 0.0, "no_raw_energy"),
        ("detain", np.inf, "not_finite"),
        ("is_EB", 2, "bad_flag"),
        ("ieta", 0, "bad_crystal"),
        ("iphi", 361, "bad_crystal"),
        ("w", -1.0, "bad_weight"),
    ],
)
def test_faults_are_named(tmp_path: Path, column: str, value: float, reason: str) -> None:
    chosen = SOME.take(np.flatnonzero((SOME["e_reco"] > 0) & (SOME["is_EB"] > 0))[:50])
    values = chosen[column].copy()
    values[7] = value
    path = write(tmp_path / "bad.root", changed(chosen, **{column: values}))
    problems = inspect_part(path, reader=READER).problems
    assert (reason, column, 7, 1) in [(p.reason, p.branch, p.entry, p.count) for p in problems]
    with pytest.raises(NtupleError, match=reason):
        list(good_events(open_candidates(path, READER)))


def test_negative_cells_missing_branches_and_damage(tmp_path: Path) -> None:
    matrix = SOME["energyMatrix"].copy()
    matrix[3, 4] = -0.1
    (problem,) = inspect_part(write(tmp_path / "n.root", changed(SOME, energyMatrix=matrix)), reader=READER).problems
    assert (problem.reason, problem.entry) == ("negative_energy", 3)
    (problem,) = inspect_part(write(tmp_path / "m.root", SOME, leave_out="eta"), reader=READER).problems
    assert (problem.reason, problem.branch) == ("missing_branch", "eta")
    path = write(tmp_path / "d.root", SOME)
    whole = path.read_bytes()
    for cut in (0, 40, len(whole) // 2):
        path.write_bytes(whole[:cut])
        assert not inspect_part(path, reader=READER).good
    assert inspect_part(tmp_path / "none.root", reader=READER).problems[0].reason == "missing_file"


def test_flipped_bits_never_raise_nor_hang(tmp_path: Path) -> None:
    path = write(tmp_path / "f.root", SOME.take(np.arange(40)), leave_out="w")
    whole = path.read_bytes()
    rng = np.random.default_rng(6)
    # the header, and the tree's own description near the end, where numbers of entries and sizes are
    places = np.concatenate([rng.integers(0, 300, 5), len(whole) - rng.integers(1, 9000, 25)])
    judged = 0
    for place in places:
        content = bytearray(whole)
        content[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(content)
        judged += not inspect_part(path, reader=READER).good
    assert judged > 0


def test_identity_is_the_event_of_a_data_set() -> None:
    event = np.arange(40, dtype=np.uint64)
    assert (event_bucket(event, "a") == event_bucket(event, "a")).all()
    assert (event_bucket(event, "a") != event_bucket(event, "b")).any()


def test_checksum_is_of_the_content(tmp_path: Path) -> None:
    one, two = tmp_path / "1.root", tmp_path / "2.root"
    write_part(one, [SOME], DEAD)
    write_part(two, [SOME.take(np.arange(100)), SOME.take(np.arange(100, 500))], DEAD)
    assert inspect_part(one, reader=READER).content_checksum == inspect_part(two, reader=READER).content_checksum
    write_part(two, [changed(SOME, pse=SOME["pse"] + 1)], DEAD)
    assert inspect_part(one, reader=READER).content_checksum != inspect_part(two, reader=READER).content_checksum
