"""Parts behind ``root://``, from a real server on this machine."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401 - the filters of the shards
import numpy as np
import pytest

from hitforge.ntuple import RemoteReadError
from hitforge.studies.calo_muon.data.geometry import load_geometry
from hitforge.studies.calo_muon.data.ntuple import open_muons
from tests.workflow.running import runner, write_config

pytestmark = [
    pytest.mark.workflow,
    pytest.mark.skipif(shutil.which("xrootd") is None, reason="no xrootd here: apt-get install xrootd-server"),
    pytest.mark.skipif(importlib.util.find_spec("XRootD") is None, reason="pip install 'hitforge[remote]'"),
]
# the client gives up after seconds, so that the tests need not wait
IMPATIENT = {"XRD_CONNECTIONWINDOW": "2", "XRD_CONNECTIONRETRY": "1", "XRD_STREAMERRORWINDOW": "2"}


class Server:
    """An XRootD server that can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("", 0))
            self.port = free.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None

    def url(self, name: str) -> str:
        return f"root://localhost:{self.port}//{name}"

    def start(self) -> None:
        admin = self.folder / "admin"
        admin.mkdir(exist_ok=True)
        settings = self.folder / "server.cfg"
        lines = ("all.export /", f"oss.localroot {self.folder / 'data'}", f"xrd.port {self.port}")
        settings.write_text("\n".join([*lines, f"all.adminpath {admin}", f"all.pidpath {admin}", ""]))
        as_user = []
        if os.geteuid() == 0:  # it refuses to run as root
            shutil.chown(admin, "nobody")
            as_user = ["-R", "nobody"]
        command = ["xrootd", *as_user, "-c", str(settings), "-l", str(admin / "log")]
        self.process = subprocess.Popen(command, cwd=admin, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("localhost", self.port)) == 0:
                    return
            time.sleep(0.1)
        raise AssertionError(f"the server does not start, see {admin}")

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()


@pytest.fixture
def server(finished: Path) -> Iterator[Server]:
    # not below pytest's own folder, which the server's user may not read
    folder = Path(tempfile.mkdtemp(prefix="hitforge-xrootd-"))
    folder.chmod(0o755)
    shutil.copytree(finished / "data", folder / "data")
    server = Server(folder)
    server.start()
    yield server
    server.kill()
    shutil.rmtree(folder)


def samples(server: Server) -> dict[str, object]:
    def urls(sample: str) -> list[str]:
        return [
            server.url(f"{sample}/{path.name}") for path in sorted((server.folder / "data" / sample).glob("*.root"))
        ]

    return {"replace": True, **{name: {"role": name, "source": urls(name)} for name in ("train", "test")}}


def test_shards_of_remote_parts_are_those_of_local_ones(finished: Path, tmp_path: Path, server: Server) -> None:
    write_config(tmp_path, samples=samples(server))
    runner(tmp_path)("shards", "--configfile", "tiny.yaml")
    names = {path.name.partition("-")[0]: path for path in (finished / "results/calo_muon/shards/test").glob("*.h5")}
    remote = {path.name.partition("-")[0]: path for path in (tmp_path / "results/calo_muon/shards/test").glob("*.h5")}
    assert remote.keys() == names.keys() != set()
    for name in names:
        with h5py.File(names[name]) as here, h5py.File(remote[name]) as there:
            np.testing.assert_array_equal(here["features"][:], there["features"][:])
            assert here.attrs["content_checksum"] == there.attrs["content_checksum"]


def test_dead_server_fails_the_job_and_condemns_no_part(tmp_path: Path, server: Server) -> None:
    write_config(tmp_path, samples=samples(server))
    server.kill()
    run = runner(tmp_path)
    failed = run("verdicts", "--configfile", "tiny.yaml", "--retries", "1", check=False, **IMPATIENT)
    assert failed.code != 0
    assert "the server did not give it" in failed.output and server.url("train/part_0.root") in failed.output
    assert "attempt 2" in failed.output
    assert not list((tmp_path / "results").rglob("verdicts/*/*.json"))
    server.start()
    run("verdicts", "--configfile", "tiny.yaml")


def test_server_that_dies_while_a_part_is_read(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in IMPATIENT.items():
        monkeypatch.setenv(name, seconds)
    opened = open_muons(server.url("train/part_0.root"), load_geometry("pbwo4_40.64mm"))
    part = next(opened)
    server.kill()
    with pytest.raises(RemoteReadError, match=r"root://localhost.*the server did not give it"):
        list(part.chunks)
