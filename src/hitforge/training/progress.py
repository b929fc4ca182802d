"""Progress of a training for people: a log line an epoch, a status file, event files. Wall times live here only."""

from __future__ import annotations

import datetime
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from hitforge.provenance import write_json

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

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
    tensorboard : bool
        Write the history as TensorBoard's event files, too: ``tensorboard/{name}/`` beside the status file.

    Raises
    ------
    ValueError
        ``tensorboard`` without its package.
    """

    def __init__(
        self, path: Path, name: str, max_epochs: int, batches_per_epoch: int, *, tensorboard: bool = False
    ) -> None:
        self.path = path
        self.name = name
        self.max_epochs = max_epochs
        self.batches = batches_per_epoch
        self._epoch_started = self._updated = time.monotonic()
        self._seconds = 0.0
        self._epochs_timed = 0
        self._whole_epoch = False
        self._events = _event_writer(path.parent / "tensorboard" / name) if tensorboard else None
        self._epochs_in_events = 0

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
        """Write the status file, and the epochs that the event file does not have yet."""
        self._updated = time.monotonic()
        self._write_events(history)
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

    def close(self) -> None:
        """Close the event file."""
        if self._events is not None:
            self._events.close()

    def _write_events(self, history: list[dict[str, Any]]) -> None:
        if self._events is None or len(history) == self._epochs_in_events:
            return
        for entry in history[self._epochs_in_events :]:
            for name, value in _scalars(entry):
                self._events.add_scalar(name, value, entry["epoch"])
        self._events.flush()
        self._epochs_in_events = len(history)

    def _left(self, epochs_done: float) -> float | None:
        """Return the seconds to the last possible epoch, None while no epoch was timed."""
        if self._epochs_timed == 0:
            return None
        return max(0.0, self.max_epochs - epochs_done) * self._seconds / self._epochs_timed


def _event_writer(folder: Path) -> SummaryWriter:
    """Open an event file that stands for all epochs: TensorBoard then forgets those of the folder's older files.

    A training that continues writes its history again, so that no epoch is lost or there twice, wherever it was killed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ValueError(
            "training.tensorboard needs the package tensorboard: pip install 'hitforge[tensorboard]'; or switch it off"
        ) from error
    return SummaryWriter(str(folder), purge_step=0)


def _scalars(entry: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Return names and values of the numbers in an epoch of the history; those of a list are ``name/0``, ``name/1``."""
    for name, value in entry.items():
        if isinstance(value, list):
            yield from _scalars({f"{name}/{k}": number for k, number in enumerate(value)})
        elif value is not None and name != "epoch":
            yield name, value


def _duration(seconds: float | None) -> str:
    return "unknown" if seconds is None else str(datetime.timedelta(seconds=round(seconds)))
