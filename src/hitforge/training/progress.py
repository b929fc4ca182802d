"""Progress of a training for people: one log line an epoch, and a status file. Wall times live here only."""

from __future__ import annotations

import datetime
import logging
import time
from pathlib import Path
from typing import Any, Literal

from hitforge.provenance import write_json

log = logging.getLogger(__name__)

SECONDS_BETWEEN_UPDATES = 15.0


class Progress:
    """Writes the status file beside the checkpoint and logs a line after each epoch.

    Parameters
    ----------
    path : Path
        Status file, read by the ``status`` command.
    name : str
        Name of the member in the log.
    max_epochs, batches_per_epoch : int
        Size of the training.
    """

    def __init__(self, path: Path, name: str, max_epochs: int, batches_per_epoch: int) -> None:
        self.path = path
        self.name = name
        self.max_epochs = max_epochs
        self.batches = batches_per_epoch
        self._epoch_started = self._updated = time.monotonic()
        self._seconds = 0.0
        self._epochs_timed = 0
        self._whole_epoch = False

    def start_epoch(self, first_batch: int) -> None:
        """Note the start of an epoch; one resumed in its middle does not enter the mean duration."""
        self._epoch_started = time.monotonic()
        self._whole_epoch = first_batch == 0

    def end_epoch(self, entry: dict[str, Any], best_epoch: int | None) -> None:
        """Log a finished epoch."""
        seconds = time.monotonic() - self._epoch_started
        if self._whole_epoch:
            self._seconds += seconds
            self._epochs_timed += 1
        mark = " *" if best_epoch == entry["epoch"] else ""
        log.info(
            "%s: epoch %d/%d  train %.6g  validation %.6g%s  lr %.3g  %.1f s  at most %s left",
            self.name,
            entry["epoch"] + 1,
            self.max_epochs,
            entry["train_loss"],
            entry["validation_loss"],
            mark,
            entry["lr"],
            seconds,
            _duration(self._left(entry["epoch"] + 1)),
        )

    def update(self, epoch: int, batch: int, history: list[dict[str, Any]]) -> None:
        """Write the status file unless that was done a moment ago."""
        if time.monotonic() - self._updated > SECONDS_BETWEEN_UPDATES:
            self.write("running", epoch, batch, history)

    def write(
        self, state: Literal["running", "finished", "stopped"], epoch: int, batch: int, history: list[dict[str, Any]]
    ) -> None:
        """Write the status file."""
        self._updated = time.monotonic()
        last = history[-1] if history else {}
        best = min(history, key=lambda entry: float(entry["validation_loss"]), default={})
        left = None if state == "finished" else self._left(epoch + batch / self.batches)
        write_json(
            self.path,
            {
                "state": state,
                "epoch": epoch,
                "max_epochs": self.max_epochs,
                "batch": batch,
                "batches": self.batches,
                "train_loss": last.get("train_loss"),
                "validation_loss": last.get("validation_loss"),
                "best_validation_loss": best.get("validation_loss"),
                "best_epoch": best.get("epoch"),
                "eta_s": None if left is None else round(left, 1),
                "updated": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            },
        )

    def _left(self, epochs_done: float) -> float | None:
        """Return the seconds to the last possible epoch, None while no epoch was timed."""
        if self._epochs_timed == 0:
            return None
        return max(0.0, self.max_epochs - epochs_done) * self._seconds / self._epochs_timed


def _duration(seconds: float | None) -> str:
    return "unknown" if seconds is None else str(datetime.timedelta(seconds=round(seconds)))
