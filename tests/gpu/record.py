"""What a step of the check has found so far: lines of JSON, written at once so that a time-out loses nothing."""

from __future__ import annotations

import json
import math
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

Kind = Literal["measured", "passed", "failed", "missed", "met", "not there", "error"]


# torch's and ours, by name: some steps do without torch
OUT_OF_MEMORY = ("OutOfMemoryError", "OutOfDeviceMemory")


class NotThereError(Exception):
    """A setting or a device that this version or machine does not have: reported, and no error."""


class Recorder:
    """Writes the results of one step.

    Parameters
    ----------
    path : Path
        File of JSON lines, each with ``quantity``, ``value``, ``unit``, ``kind`` and ``note``.
    seconds : float
        Time that the step has from now on; `left` tells what remains.
    """

    def __init__(self, path: Path, seconds: float) -> None:
        self.path = path
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that the step still has."""
        return self._end - time.monotonic()

    def still_has(self, seconds: float) -> None:
        """Raise NotThereError if less than so many seconds are left."""
        if self.left() < seconds:
            raise NotThereError("no time left in this step")

    def measured(self, quantity: str, value: float | str, unit: str = "", note: str = "") -> None:
        """Note a number, or a text, that is neither right nor wrong."""
        self._write(quantity, value, unit, "measured", note)

    def bounded(self, quantity: str, value: float, limit: float, unit: str = "") -> None:
        """Note a number that is wrong above ``limit``, or when it is none."""
        kind: Kind = "passed" if value <= limit else "failed"
        self._write(quantity, value, unit, kind, f"at most {limit:g}", limit)

    def aimed(self, quantity: str, value: float, goal: float, unit: str = "", note: str = "") -> None:
        """Note a number and whether it meets a goal; missing it is no failure."""
        kind: Kind = "met" if value <= goal else "missed"
        self._write(quantity, value, unit, kind, f"goal {goal:g}" + (f"; {note}" if note else ""))

    def true(self, quantity: str, holds: bool, note: str = "") -> None:
        """Note whether something that must hold does."""
        self._write(quantity, "yes" if holds else "no", "", "passed" if holds else "failed", note)

    def not_there(self, quantity: str, why: str) -> None:
        """Note that something cannot be tried here."""
        self._write(quantity, "", "", "not there", why)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Keep a failure within this part of the step: what follows is tried all the same."""
        try:
            yield
        except NotThereError as reason:
            self.not_there(name, str(reason))
        except Exception as error:  # noqa: BLE001 (whatever it is, it is reported)
            if type(error).__name__ in OUT_OF_MEMORY:
                self.not_there(name, f"does not fit the memory of the card: {error}"[:300])
            else:
                self.failed(name, error)

    def failed(self, quantity: str, error: Exception) -> None:
        """Note an error, with where it came from."""
        last = "".join(traceback.format_exception(error, limit=-3))
        self._write(quantity, f"{type(error).__name__}: {error}"[:600], "", "error", last[-1500:])

    def _write(
        self, quantity: str, value: float | str, unit: str, kind: Kind, note: str, limit: float | None = None
    ) -> None:
        if isinstance(value, float) and not math.isfinite(value):
            value = str(value)  # JSON has no NaN
        row: dict[str, Any] = {"quantity": quantity, "value": value, "unit": unit, "kind": kind, "note": note}
        if limit is not None:
            row["limit"] = limit
        with self.path.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(row) + "\n")
