"""How many events a job handles, from the configuration alone: no file is opened, files are sized."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from hitforge.config import SampleSettings, StudySettings
from hitforge.preflight.place import EVENT_BYTES
from hitforge.samples import Part
from hitforge.words import TRAINED_ON, model_of

OF_A_BLOCK = ("simulate", "validate", "build_shards")


class Sizes:
    """Events of each job of a study.

    Parameters
    ----------
    study : str
        Name of the study.
    settings : StudySettings
        Its settings.
    blocks : mapping
        Sample to block to parts.
    """

    def __init__(self, study: str, settings: StudySettings, blocks: Mapping[str, Mapping[str, Sequence[Part]]]) -> None:
        self.settings, self.blocks = settings, blocks
        self.event_bytes = EVENT_BYTES.get(study, max(EVENT_BYTES.values()))[0]

    @cached_property
    def by_block(self) -> dict[tuple[str, str], int]:
        """Events by sample and block; those of files by their size, and of remote files none."""
        return {
            (sample, block): sum(self._of_part(self.settings.samples[sample], part) for part in parts)
            for sample, blocks in self.blocks.items()
            for block, parts in blocks.items()
        }

    def _of_part(self, sample: SampleSettings, part: Part) -> int:
        if part.source is None:
            return sample.events_per_part or 0
        path = Path(part.local_path) if part.is_local else None
        if path is None or not path.is_file():
            return 0
        # a fold file, or a sliced one, stands for several parts
        shares = (sample.parts or 1) if part.local_path != part.source else 1
        return path.stat().st_size // self.event_bytes // shares

    def _of_samples(self, role: str = "") -> int:
        return sum(
            events for (name, _), events in self.by_block.items() if role in ("", self.settings.samples[name].role)
        )

    def of(self, stage: str, what: str) -> tuple[int, int]:
        """Return how many events a job handles, and in how many epochs at most; 0 where they hardly count.

        Parameters
        ----------
        stage : str
            Rule without study, sample and block.
        what : str
            What the job works on, with the study first.
        """
        words = what.split("/")[1:]
        folds = self.settings.folds
        hidden = len(folds.held_out) / folds.count
        if stage in OF_A_BLOCK:
            return self.by_block.get((words[0], words[1]), 0), 1
        if stage.startswith("predict"):
            sample, block = words[-2:]
            train = next(name for name, each in self.settings.samples.items() if each.role == "train")
            if sample == TRAINED_ON:
                return int(self.by_block.get((train, block), 0) / folds.count), 1
            return int(self.by_block.get((sample, block), 0) * (hidden if sample == train else 1)), 1
        if stage in ("train_member", "train_members"):
            return self._of_training(stage, model_of(words[0]), hidden)
        if stage in ("train_trees", "fit_table", "fit_scaling"):
            return int(self._of_samples("train") * (1 - hidden)), 1
        if stage == "calibrate":
            return int(self._of_samples("train") * hidden), 1
        if stage == "evaluate":
            return int(self._of_samples("train") * hidden) + self._of_samples("test"), 1
        return (self._of_samples() if stage == "compare_models" else 0), 1

    def _of_training(self, stage: str, model: str, hidden: float) -> tuple[int, int]:
        training = self.settings.models[model].training
        share = 1 - hidden - 1 / self.settings.folds.count
        events = int(self._of_samples("train") * (share if training.folds == "full" else share / training.members))
        side_by_side = training.members_per_gpu if stage == "train_members" else 1
        return min(events, training.max_events or events) * side_by_side, training.schedule.max_epochs
