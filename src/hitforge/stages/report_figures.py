"""Stage make-figures: what a chapter draws."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from hitforge.reporting.catalogue import Catalogue, make
from hitforge.reporting.chapter import Figure, ReportInputs
from hitforge.reporting.style import hep_style, write_figure

log = logging.getLogger(__name__)


def make_figures(catalogue: Catalogue, inputs: ReportInputs, folder: Path) -> None:
    """Draw the figures of a chapter, ``<name>.{svg,png,json}`` each; the JSON holds the caption."""
    for view in catalogue.views("figure"):
        start = time.perf_counter()
        with hep_style():
            figure: Figure = make(view, inputs)
        write_figure(figure, folder)
        log.info("figure %s: %.1f s%s", figure.name, time.perf_counter() - start, " (empty)" * bool(figure.empty))
