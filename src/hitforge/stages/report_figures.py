"""Stage make-figures: what a chapter draws."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from hitforge.report_settings import LabelSettings
from hitforge.reporting.catalogue import Catalogue, make
from hitforge.reporting.chapter import Figure, ReportInputs
from hitforge.reporting.figure_files import write_figure
from hitforge.reporting.style import hep_style

log = logging.getLogger(__name__)


def make_figures(catalogue: Catalogue, inputs: ReportInputs, folder: Path) -> None:
    """Draw the figures of a chapter, ``<name>.{svg,pdf,png,csv,json}`` each: pictures, values, caption."""
    wanted = inputs.settings.get("report", {})
    label = LabelSettings(**{key: wanted[key] for key in LabelSettings.model_fields if key in wanted})
    for view in catalogue.views("figure"):
        start = time.perf_counter()
        with hep_style():
            figure: Figure = make(view, inputs)
        write_figure(figure, folder, label)
        log.info("figure %s: %.1f s%s", figure.name, time.perf_counter() - start, " (empty)" * bool(figure.empty))
