"""What was published, beside the same quantity here; all of it is for other data."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hitforge.evaluation.statistics import group_of, resample
from hitforge.reporting.chapter import Cell, Column, Measured, ReportInputs, Table
from hitforge.reporting.evaluated import cell
from hitforge.seeds import child_generator
from hitforge.studies.scouting_egamma.evaluation.response import Response
from hitforge.studies.scouting_egamma.report.view import (
    all_cuts,
    load_candidates,
    reference_sample,
    share_without_energy,
)

_SLIDES = "slides of the scouting study"
_CMS = "arXiv:2403.15518, Z → ee, electrons with little bremsstrahlung"
_ABS_ETA, _CMS_PERCENT = (0.0, 0.8, 1.5, 2.5), ("below 1.8", "below 3.0", "below 4.5")
_STEP = 0.01


def published(inputs: ReportInputs) -> Table:
    """Printed numbers and what they are on the data of this report."""
    rows = (*_of_the_data(inputs), *_of_the_resolution(inputs))
    return Table(
        name="published",
        title="Published numbers",
        caption=(
            "They are for CMS simulation and data, other samples with other definitions: they show the scale and "
            "are no "
            "comparison. The generator's constants were chosen by hand to give the first three."
        ),
        columns=(
            Column(key="quantity", label="Quantity", align="left", wide=True),
            Column(key="published", label="Published"),
            Column(key="here", label="Here"),
            Column(key="source", label="Source", align="left"),
        ),
        rows=rows,
        empty=None if rows else "the shards of the train sample hold no candidates",
        notes=(
            "The slides print a further number without a label, −0.06112, most likely a bias, and no resolution. "
            "They find "
            "the largest gain for electrons of 5–20 GeV, and a BDT that the CNN does not beat.",
        ),
    )


def _of_the_data(inputs: ReportInputs) -> Iterator[tuple[Cell, ...]]:
    data = load_candidates(inputs)
    if not data:
        return
    barrel, de = data["is_eb"] > 0, 1 / data["y"] - 1
    yield "peak of dE", "0.0", _mode(de, -0.1, 0.1), _SLIDES
    yield "shoulder of dE (EB)", "−0.2", _mode(de[barrel], -0.35, -0.1), _SLIDES
    lost = Measured(value=100 * share_without_energy(inputs, inputs.samples_with_role("train")[0]), decimals=2)
    yield "second peak of dE; here the share of candidates without energy, in %", "−1.0", lost, _SLIDES
    iphi = data["iphi"][barrel].astype(np.int64)
    medians = np.array([np.median(de[barrel][iphi == k]) if (iphi == k).any() else 0.0 for k in range(1, 361)])
    low = medians < -0.05
    fringes = int(np.sum(low & ~np.roll(low, 1)))
    yield "fringes of dE in φ (EB)", "18", fringes, _SLIDES
    removed = ~all_cuts(data)["no dead channel and dE > −0.4 (looks at the truth)"][~barrel]
    share, n = float(np.mean(removed)), len(removed)
    number = Measured(value=100 * share, error=100 * float(np.sqrt(share * (1 - share) / n)))
    yield "removed by the cuts on dead channels and dE > −0.4 (EE), in %", "8.0", number, _SLIDES


def _mode(values: np.ndarray[tuple[int, ...], np.dtype[np.floating]], low: float, high: float) -> Measured:
    """Return the middle of the fullest bin."""
    edges = np.arange(low, high + _STEP / 2, _STEP)
    counts = np.histogram(values, edges)[0]
    place = int(counts.argmax())
    return Measured(value=float(edges[place] + _STEP / 2), decimals=3)


def _of_the_resolution(inputs: ReportInputs) -> Iterator[tuple[Cell, ...]]:
    sample = reference_sample(inputs)
    if sample is None:
        return
    evaluation = inputs.settings["evaluation"]
    electron = (sample.category % 2 == 0) & (sample.gen_pt > 20)
    place = np.where(electron, group_of(np.abs(sample.gen_eta), np.array(_ABS_ETA)), -1)
    statistic = Response(sample.response, place, (3,), evaluation["min_per_bin"], brief=True)
    draws = child_generator(0, "published table")
    width = resample({"all": statistic}, sample.weights, evaluation["bootstraps"], draws)["all"]["width"]
    for k, printed in enumerate(_CMS_PERCENT):
        region = f"|η| {_ABS_ETA[k]:g}–{_ABS_ETA[k + 1]:g}"
        words = f"resolution for {region}, in %; here σ_eff of {inputs.reference}, pT > 20 GeV"
        yield words, printed, cell(width, k, scale=100.0), _CMS
