"""What a study's reader asks of branches, on a tree with one of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from hitforge.branches import TreeBranches
from hitforge.ttrees import TTree


@pytest.fixture
def branches(tmp_path: Path) -> Iterator[TreeBranches]:
    with uproot.recreate(tmp_path / "part.root") as file:
        kinds = {"x": np.float32, "n": np.int32, "grid": np.dtype((np.float32, (2, 3))), "list": "var * float64"}
        file.mktree("t", kinds).extend(
            {
                "x": np.arange(3, dtype=np.float32),
                "n": np.arange(3, dtype=np.int32),
                "grid": np.arange(18, dtype=np.float32).reshape(3, 2, 3),
                "list": ak.Array([[1.0], [], [2.0, 3.0]]),
            }
        )
    with uproot.open(tmp_path / "part.root") as file:
        yield TreeBranches(TTree(file["t"]), "t", "part.root")


def test_what_is_there_and_right_is_no_problem(branches: TreeBranches) -> None:
    assert branches.require("list") and branches.is_list("list") and not branches.is_list("x")
    assert (
        branches.require_scalar("x", "f")
        and branches.require_scalar("n", "iu")
        and branches.require_scalar("n", "biuf")
    )
    assert branches.require_array("grid", 6)
    assert branches.problems == []
    np.testing.assert_array_equal(branches.rows("grid", 1, 3), np.arange(6, 18).reshape(2, 6))
    np.testing.assert_array_equal(branches.array("x", 1, 2), [1])


def test_what_is_missing_or_different_is_noted_with_its_branch(branches: TreeBranches) -> None:
    assert not branches.require("y")
    assert not branches.require_scalar("x", "iu") and not branches.require_scalar("grid", "f")
    assert not branches.require_array("grid", 7) and not branches.require_array("list", 6)
    found = [(problem.reason, problem.branch) for problem in branches.problems]
    assert found == [
        ("missing_branch", "y"), ("wrong_type", "x"), ("wrong_type", "grid"), ("wrong_shape", "grid"),
        ("wrong_type", "list"),
    ]  # fmt: skip
    assert "expected one integer per entry" in str(branches.problems[1])
    assert "expected an array of 7 floating-point numbers per entry" in str(branches.problems[3])
