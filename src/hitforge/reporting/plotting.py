"""What the figures of all chapters have in common."""

from __future__ import annotations

from hitforge.reporting.chapter import Figure, ReportInputs
from hitforge.reporting.style import empty_figure


def nothing(name: str, title: str, reason: str) -> Figure:
    """Return a figure without content, with the reason."""
    return Figure(name, title, "", empty_figure(reason), empty=reason)


def data_label(inputs: ReportInputs, sample: str) -> str:
    """Return ``simulation`` for generated samples and nothing for the user's own."""
    settings = (
        inputs.settings["samples"].get(sample) or inputs.settings["samples"][inputs.samples_with_role("train")[0]]
    )
    return "simulation" if settings["source"] == "simulate" else ""


def grid_shape(n: int, columns: int) -> tuple[int, int]:
    """Return rows and columns of ``n`` panels, four as a square."""
    used = 2 if n == 4 else max(1, min(n, columns))
    return -(-n // used), used
