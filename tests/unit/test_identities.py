"""The same events twice: in one part, in two parts of a sample, in two samples; from files in every layout."""

from __future__ import annotations

from pathlib import Path

import awkward as ak
import numpy as np
import pytest

from hitforge.identities import add_lists, identities_of, repeats
from hitforge.inventory import PartEvents, SharedEventsError, compare_samples, take_inventory
from hitforge.stages.validate import compare_study, make_inventory, validate_part
from hitforge.validation import BadPartsError, PartFindings, judge
from tests.unit.calo_muon.part_builders import b4_columns, compact_columns, make_muons, write_tree
from tests.unit.csc_muon.part_builders import some_roads, write_npz, write_vector
from tests.unit.small_parts import LAYOUTS, N_CELLS, address, study_of

RNG = np.random.default_rng(3)


def ids(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.uint64)


def test_bits_of_an_event_never_change() -> None:
    """They are kept beside verdicts and inventories, and compared with those of other releases."""
    found = identities_of(np.array([[1.5, -2.0]], np.float32), np.array([7]))
    assert found.tolist() == [13136884236780036704]


def test_equal_values_have_equal_bits_whatever_their_type() -> None:
    x = RNG.normal(size=(50, 3)).astype(np.float32)
    n = RNG.integers(-5, 5, 50)
    found = identities_of(x, n)
    np.testing.assert_array_equal(identities_of(x.astype(np.float64), n.astype(np.int8)), found)
    assert len(np.unique(found)) == 50
    # columns that change places are other events
    assert not (identities_of(x[:, ::-1], n) == found).any()


def test_nan_and_the_sign_of_zero_tell_nothing() -> None:
    a = np.array([[0.0, np.nan], [-0.0, -np.nan]], dtype=np.float32)
    a.view(np.uint32)[1, 1] ^= 1  # another of the many NaN
    found = identities_of(a)
    assert found[0] == found[1]


def test_single_bit_anywhere_makes_another_event() -> None:
    rows = np.repeat(RNG.normal(size=(1, 20)).astype(np.float32), 20 * 32, axis=0)
    bits = rows.view(np.uint32)
    for i in range(len(rows)):
        bits[i, i // 32] ^= np.uint32(1) << np.uint32(i % 32)
    assert len(np.unique(identities_of(rows[np.isfinite(rows).all(axis=1)]))) >= 20 * 32 - 20


def test_lists_count_with_their_places() -> None:
    offsets, places = np.array([0, 2, 4, 6]), np.array([1, 5, 1, 6, 1, 5])
    values = np.array([1, 2, 1, 2, 1, 2], dtype=np.float32)
    found = np.zeros(3, dtype=np.uint64)
    add_lists(found, offsets, places, values)
    assert found[0] == found[2] != found[1]


def test_first_repeated_event_is_the_second_of_its_kind() -> None:
    assert repeats(ids(1, 2, 3)) == (0, -1)
    assert repeats(ids()) == (0, -1)
    assert repeats(ids(7, 5, 9, 5, 7, 5)) == (3, 3)


@pytest.mark.parametrize("seed", range(20))
def test_repeating_parts_are_those_of_a_plain_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    parts = [np.unique(rng.integers(0, 60, rng.integers(0, 12)).astype(np.uint64)) for _ in range(7)]
    used: dict[int, int] = {}
    expected = {}
    for k, part in enumerate(parts):
        before = [used[int(i)] for i in part if int(i) in used]
        if before:
            expected[f"p{k}"] = (f"p{max(set(before), key=lambda p: (before.count(p), -p))}", len(before))
        else:
            used.update({int(i): k for i in part})
    events = PartEvents.joined([f"p{k}" for k in range(7)], parts)
    assert events.repeating() == expected
    kept = [f"p{k}" for k in range(7) if f"p{k}" not in expected]
    assert events.take(kept).repeating() == {}
    assert sorted(events.take(kept).identities.tolist()) == sorted(used)


@pytest.mark.parametrize("seed", range(10))
def test_shared_events_are_those_of_a_plain_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = ([np.unique(rng.integers(0, 40, 8).astype(np.uint64)) for _ in range(4)] for _ in range(2))
    expected = [
        (f"a{i}", f"b{k}", n)
        for i, mine in enumerate(a)
        for k, theirs in enumerate(b)
        if (n := len(set(mine.tolist()) & set(theirs.tolist())))
    ]
    one, other = (PartEvents.joined([f"{s}{i}" for i in range(4)], parts) for s, parts in (("a", a), ("b", b)))
    assert one.shared_with(other) == expected


def inventory(policy: str, first_seen: dict[str, str] | None = None, **parts: np.ndarray) -> dict[str, str]:
    verdicts = [
        judge(part, f"{part}.root", PartFindings(n_events=3, content_checksum=part, layout="x", problems=()))
        for part in parts
    ]
    taken, events = take_inventory("toy", "train", verdicts, policy, 0.9, first_seen or {}, parts)  # type: ignore[arg-type]
    assert set(events.parts) == set(taken.good)
    return {part: entry.status + "".join(entry.reasons) for part, entry in taken.parts.items()}


def test_part_with_some_events_of_another_is_left_out_as_a_duplicate() -> None:
    found = inventory("quarantine", a=ids(1, 2, 3), b=ids(3, 4), c=ids(4, 5))
    assert found["a"] == found["c"] == "good"
    assert found["b"].startswith("duplicate1 of its events are also in part a (fix: remove one of the two files")


def test_part_that_was_there_first_keeps_its_events() -> None:
    found = inventory("quarantine", {"b": "b"}, a=ids(1, 2, 3), b=ids(3, 4))
    assert found["b"] == "good" and found["a"].startswith("duplicate")


def test_policy_fail_names_both_parts_and_the_number() -> None:
    with pytest.raises(BadPartsError, match=r"b\.root \[b\]: 2 of its events are also in part a"):
        inventory("fail", a=ids(1, 2, 3), b=ids(2, 3, 4))


@pytest.mark.parametrize("policy", ["fail", "quarantine"])
def test_events_of_two_roles_are_an_error_under_any_policy(policy: str) -> None:
    events = {
        "train": PartEvents.joined(["p1", "p2"], [ids(1, 2), ids(3)]),
        "test": PartEvents.joined(["t1"], [ids(2, 3, 9)]),
    }
    roles = {"train": "train", "test": "test"}
    with pytest.raises(SharedEventsError) as error:
        compare_samples("toy", events, roles, policy)  # type: ignore[arg-type]
    assert "sample test (role test) and sample train (role train) have 2 events in common" in str(error.value)
    assert "t1 of test and p1 of train: 1" in str(error.value) and "t1 of test and p2 of train: 1" in str(error.value)


def test_events_of_two_test_samples_follow_the_policy() -> None:
    events = {name: PartEvents.joined([name], [ids(1, 2)]) for name in ("flat", "test")}
    roles = dict.fromkeys(events, "test")
    with pytest.raises(SharedEventsError, match="flat of flat and test of test: 2"):
        compare_samples("toy", events, roles, "fail")
    (pair,) = compare_samples("toy", events, roles, "quarantine")
    assert pair == {"sample": "flat", "part": "flat", "other_sample": "test", "other_part": "test", "n_events": 2}


def test_of_many_pairs_of_parts_some_are_listed() -> None:
    parts = [f"p{k:02d}" for k in range(23)]
    events = {name: PartEvents.joined(parts, [ids(k) for k in range(23)]) for name in ("a", "b")}
    with pytest.raises(SharedEventsError, match="and 3 more pairs of parts") as error:
        compare_samples("toy", events, {"a": "train", "b": "test"}, "fail")
    assert str(error.value).count(" of a and ") == 20


# ---- from files


@pytest.mark.parametrize("layout", LAYOUTS)
def test_part_holds_its_own_events_once(layout: str, tmp_path: Path) -> None:
    study_in, write, name = LAYOUTS[layout]
    study = study_in(tmp_path)
    found = study.inspect(address(write(tmp_path / name, 8)))
    assert found.problems == ()
    identities = np.frombuffer(found.identities, np.uint64)
    assert len(identities) == 8 and repeats(identities) == (0, -1)
    assert "identities" not in found.model_dump()
    fewer = study.inspect(address(write(tmp_path / f"fewer_{name}", 5)))
    np.testing.assert_array_equal(np.frombuffer(fewer.identities, np.uint64), identities[:5])


def test_muons_are_the_same_in_every_layout(tmp_path: Path) -> None:
    study = LAYOUTS["compact"][0](tmp_path)
    muons = make_muons(6, n_cells=N_CELLS)
    dense = b4_columns(muons, N_CELLS)
    lists = dense | {"rechit_energy": ak.from_regular(ak.Array(dense["rechit_energy"]))}
    files = [
        write_tree(tmp_path / "a.root", "B4", dense),
        write_tree(tmp_path / "b.root", "B4", lists),
        write_tree(tmp_path / "c.root", "muons", compact_columns(muons)),
        # without its charge it is the same muon
        write_tree(tmp_path / "d.root", "B4", {k: v for k, v in dense.items() if k not in ("isMuon", "isAntiMuon")}),
    ]
    found = {study.inspect(str(path)).identities for path in files}
    assert len(found) == 1 and found != {b""}


def test_renumbered_roads_are_the_same_roads(tmp_path: Path) -> None:
    study = study_of("csc_muon")
    roads = some_roads().take(slice(30))
    renumbered = type(roads)(**{**roads.__dict__, "event": roads.event + np.uint64(7)})
    found = {
        study.inspect(str(path)).identities
        for path in (
            write_vector(tmp_path / "a.root", roads),
            write_vector(tmp_path / "b.root", renumbered),
            write_npz(tmp_path / "c.npz", roads),
        )
    }
    assert len(found) == 1


def test_event_that_is_there_twice_is_a_fault_with_entry_and_count(tmp_path: Path) -> None:
    study = LAYOUTS["compact"][0](tmp_path)
    columns = compact_columns(make_muons(6, n_cells=N_CELLS))
    twice = {name: values[[0, 1, 2, 3, 1, 4, 5, 0]] for name, values in columns.items()}
    found = study.inspect(str(write_tree(tmp_path / "a.root", "muons", twice)))
    (problem,) = found.problems
    assert (problem.reason, problem.entry, problem.count) == ("repeated_events", 4, 2)
    assert found.identities == b"" and found.content_checksum == ""


def test_stages_find_an_overlap_of_two_samples(tmp_path: Path) -> None:
    """A test part with three of the train muons among its own, in another layout."""
    study = LAYOUTS["compact"][0](tmp_path)
    train, other = make_muons(6, n_cells=N_CELLS), make_muons(4, seed=9, n_cells=N_CELLS)
    write_tree(tmp_path / "train.root", "muons", compact_columns(train))
    a, b = b4_columns(train, N_CELLS), b4_columns(other, N_CELLS)
    write_tree(tmp_path / "test.root", "B4", {k: np.concatenate([b[k], a[k][2:5]]) for k in a})
    for sample in ("train", "test"):
        verdict, events = tmp_path / f"v_{sample}.json", tmp_path / f"v_{sample}.npy"
        validate_part(study, sample, str(tmp_path / f"{sample}.root"), verdict, events)
        out, of_sample, memory = (tmp_path / f"{sample}.{end}" for end in ("json", "npz", "seen"))
        make_inventory("calo_muon", sample, [verdict], [events], "quarantine", 0.0, out, of_sample, memory)
    files = {sample: tmp_path / f"{sample}.npz" for sample in ("train", "test")}
    with pytest.raises(SharedEventsError, match="test of test and train of train: 3"):
        compare_study("calo_muon", files, {"train": "train", "test": "test"}, "quarantine", tmp_path / "shared.json")
    assert not (tmp_path / "shared.json").exists()
