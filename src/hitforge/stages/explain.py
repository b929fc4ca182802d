"""Stage explain: what a trained model looks at, beyond its metrics."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hitforge.provenance import content_hash, stamp, write_json

if TYPE_CHECKING:
    from hitforge.studies.base import TrainedModel

log = logging.getLogger(__name__)


def explain(trained: TrainedModel, model: str, out: Path, settings: Mapping[str, Any]) -> None:
    """Write what the study's entry point ``explain`` finds out about a model; an empty finding is written, too."""
    found = trained.study.explain(model, trained)
    log.info("%s: %s", model, ", ".join(found) or "nothing to explain")
    write_json(out, stamp(study=trained.study.name, model=model, config_hash=content_hash(settings), **found))
