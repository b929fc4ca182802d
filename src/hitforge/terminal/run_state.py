"""What the engine notes of a run while it goes on, for ``hitforge status`` in another terminal."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path

from hitforge.provenance import read_json, write_json
from hitforge.settings_base import Settings

PLACE = Path(".snakemake") / "hitforge_run.json"


class RunState(Settings):
    """The state of a run.

    Attributes
    ----------
    host, pid : str, int
        Process of the engine.
    begin, updated : float
        Seconds since the epoch.
    ended : bool
        Whether the engine has said good-bye.
    stages : dict
        By study and stage: how many jobs are done, of how many.
    running : dict
        Jobs that run or wait in a queue, with seconds since the epoch at which they were given away.
    failed : tuple of str
        Jobs whose last attempt failed, with their logs.
    left_s : float
        Expected seconds until the end, as of ``updated``.
    """

    host: str
    pid: int
    begin: float
    updated: float
    ended: bool
    stages: dict[str, tuple[int, int]]
    running: dict[str, float]
    failed: tuple[str, ...]
    left_s: float

    @property
    def alive(self) -> bool:
        """Whether the engine still works, as far as this machine can tell."""
        return not self.ended and (self.host != platform.node() or Path(f"/proc/{self.pid}").exists())


class Notes:
    """Writes the state of a run into the working directory."""

    def __init__(self) -> None:
        self.begin = time.time()

    def write(
        self,
        stages: dict[str, tuple[int, int]],
        running: dict[str, float],
        failed: tuple[str, ...],
        left_s: float,
        ended: bool = False,
    ) -> None:
        """Write the state; without a folder of the engine there is no run to speak of."""
        if not PLACE.parent.is_dir():
            return
        state = RunState(
            host=platform.node(), pid=os.getpid(), begin=self.begin, updated=time.time(), ended=ended, stages=stages,
            running=running, failed=failed, left_s=left_s,
        )  # fmt: skip
        write_json(PLACE, state.model_dump(mode="json"))


def read_state(folder: Path) -> RunState | None:
    """Return the state of the last run in a working directory, None if there was none."""
    path = folder / PLACE
    return RunState.model_validate(read_json(path)) if path.is_file() else None
