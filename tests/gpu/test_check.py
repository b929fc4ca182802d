"""The check of a GPU itself: its smoke run on the CPU, its limits in time, the choice of wheels."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from tests.gpu import check
from tests.gpu.check import Step, problems, run, table
from tests.gpu.step import FUNCTIONS
from tests.gpu.wheels import fits, slim

REPOSITORY = Path(__file__).parents[2]


def test_smoke_run(tmp_path: Path) -> None:
    """Takes a minute or two: it is what keeps the check ready for the day when there is a card."""
    out = tmp_path / "gpu-check.json"
    command = [sys.executable, "-m", "tests.gpu.check", "--smoke", "--out", str(out)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(out.read_text())
    assert report["problems"] == []
    assert (
        [step["step"] for step in report["steps"]]
        == [step.name for step in check.STEPS]
        == sorted(FUNCTIONS, key=[step.name for step in check.STEPS].index)
    )
    rows = {step["step"]: {row["quantity"]: row for row in step["results"]} for step in report["steps"]}
    for study in ("calo_muon cnn", "csc_muon ens5", "scouting_egamma ens5", "object_id ens5"):
        for what in ("outputs", "loss", "gradients"):
            assert rows["right: numbers"][f"{study}: {what}"]["kind"] == "passed"
    assert rows["right: training"]["resumed at the step of its last checkpoint"]["value"] == "yes"
    assert rows["fast: paper"]["training loop, batch 2, as the settings come"]["value"] > 0
    assert rows["fast: members"]["throughput of 2 at a time / of one"]["value"] > 0
    assert rows["real"]["muons of the test sample"]["value"] == 60
    assert {"cnn: mean_improvement", "bdt: information_bits", "layers: mean_improvement"} <= set(rows["real"])


FAKE = """
import json, pathlib, sys, time
name, results = sys.argv[1], pathlib.Path(sys.argv[3])
row = {"quantity": "before", "value": 1.0, "unit": "", "kind": "measured", "note": ""}
results.write_text(json.dumps(row) + "\\n" + '{"half": ')
if name == "hangs":
    time.sleep(60)
if name == "dies":
    raise ValueError("of this")
"""


def test_a_step_that_hangs_or_dies_ends_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fake_step.py").write_text(FAKE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(check, "LEAST", 0.5)
    steps = [
        Step("beside", 20, True, "fake_step"),
        *(Step(name, 2, False, "fake_step") for name in ("hangs", "dies", "works")),
    ]
    started = time.monotonic()
    found = run(tmp_path, smoke=False, minutes=1, steps=steps)
    assert time.monotonic() - started < 30
    assert [step["state"] for step in found] == ["done", "ended after its 2 s", "ended with code 1", "done"]
    assert all([row["quantity"] for row in step["results"]] == ["before"] for step in found)
    assert "of this" in found[2]["error"]
    assert problems(found) == ["hangs: ended after its 2 s", "dies: ended with code 1"]
    assert "ended after its 2 s" in table(found)


def test_the_steps_end_with_the_check(tmp_path: Path) -> None:
    (tmp_path / "fake_step.py").write_text(
        "import os, pathlib, sys, time\npathlib.Path(sys.argv[3]).with_name('pid').write_text(str(os.getpid()))\n"
        "time.sleep(60)\n"
    )
    code = (
        "import sys; from pathlib import Path; from tests.gpu import check\n"
        "check.STEPS = (check.Step('hangs', 50, False, 'fake_step'),); check.run.__defaults__ = (check.STEPS,)\n"
        "check.main()"
    )
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{REPOSITORY}", "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", code, "--out", str(tmp_path / "out.json")]
    process = subprocess.Popen(command, env=environment, cwd=REPOSITORY, stderr=subprocess.DEVNULL)
    while not (pids := [path for path in tmp_path.glob("gpu-check-*/pid") if path.read_text()]):
        assert process.poll() is None
        time.sleep(0.1)
    child = int(pids[0].read_text())
    process.terminate()
    assert process.wait(timeout=60) == 143
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_no_step_is_begun_when_time_is_over(tmp_path: Path) -> None:
    (found,) = run(tmp_path, smoke=False, minutes=0, steps=[Step("late", 60)])
    assert found["state"] == "not begun: no time left"


def test_bounds_that_do_not_hold_are_problems() -> None:
    row = {"quantity": "q", "value": "nan", "unit": "", "kind": "failed", "note": "at most 1", "limit": 1.0}
    step = {"step": "s", "state": "done", "seconds": 1.0, "error": "", "results": [row, {**row, "kind": "not there"}]}
    assert problems([step]) == ["s: q"]
    assert "failed" in table([step])


@pytest.mark.parametrize(
    ("wheel", "fitting"),
    [
        ("awkward-2.14.0-py3-none-any.whl", [(3, 11), (3, 12)]),
        ("xxhash-4.1.0-cp312-cp312-manylinux2014_x86_64.manylinux_2_17_x86_64.whl", [(3, 12)]),
        ("safetensors-0.8.0-cp310-abi3-manylinux_2_17_x86_64.whl", [(3, 11), (3, 12)]),
        ("future-1.0-cp312-abi3-manylinux_2_17_x86_64.whl", [(3, 12)]),
        ("xgboost_cpu-3.2.0-py3-none-manylinux_2_28_aarch64.whl", []),
    ],
)
def test_wheels_are_chosen_by_their_tags(wheel: str, fitting: list[tuple[int, int]]) -> None:
    assert [version for version in [(3, 11), (3, 12)] if fits(wheel, version, "x86_64")] == fitting


def test_a_slim_wheel_registers_only_what_it_has(tmp_path: Path) -> None:
    wheel = tmp_path / "hdf5plugin-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as whole:
        for name in ("zstd", "blosc", "blosc2", "sz3"):
            whole.writestr(f"hdf5plugin/plugins/libh5{name}.so", name)
        whole.writestr("hdf5plugin/_config.py", "x = {'ipp': False, 'embedded_filters': ('blosc', 'sz3', 'zstd')}\n")
        whole.writestr("hdf5plugin/__init__.py", "")
    slim(wheel)
    with zipfile.ZipFile(wheel) as small:
        plugins = [name for name in small.namelist() if name.startswith("hdf5plugin/plugins")]
        assert plugins == ["hdf5plugin/plugins/libh5zstd.so", "hdf5plugin/plugins/libh5blosc.so"]
        assert "('blosc', 'zstd')" in small.read("hdf5plugin/_config.py").decode()
        assert "hdf5plugin/__init__.py" in small.namelist()
