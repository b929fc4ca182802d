"""What a configuration says that its author may not have meant: shown in the plan, by ``check`` and in the chapter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_REPLACE = "to take your files alone, write 'replace: true' above them in 'samples'"


def reference_of(wanted: str | None, reported: Iterable[str]) -> str | None:
    """Return the model that differences are taken against: the one asked for if it is reported, otherwise the last."""
    models = list(reported)
    return wanted if wanted in models else models[-1] if models else None


def remarks(settings: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each thing that may be a mistake in the settings of a study, as plain data."""
    samples = settings["samples"]
    generated = sorted(name for name, sample in samples.items() if sample["source"] == "simulate")
    files = sorted(samples.keys() - set(generated))
    if generated and files:
        # files to test a model of generated events with are a usual thing; the other way round it is a slip
        fix = f"; {_REPLACE}" if any(samples[name]["role"] == "train" for name in files) else ""
        yield f"samples of two kinds: generated ({', '.join(generated)}) and from files ({', '.join(files)}){fix}."
    wanted, reported = settings.get("reference_model"), settings.get("run_models")
    if wanted and reported and wanted not in reported:
        instead = reference_of(wanted, reported)
        yield f"the reference model {wanted} is not in run_models; differences are taken against {instead}."
