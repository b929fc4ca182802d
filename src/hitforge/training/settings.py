"""Settings of network training; importing this module does not import torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt

from hitforge.settings_base import Settings


class LossSettings(Settings):
    """Loss of a regression network (arXiv:2107.02119; the variants are the paper's loss ablation)."""

    kind: Literal["mfse", "mse"] = Field("mfse", description="(mean) squared error, divided by the target for mfse")
    huber: Literal["running", "batchwise", "fixed", "off"] = Field(
        "running",
        description="threshold of each target bin: running average over batches, of the batch alone, "
        "frozen after the first epoch, or no Huberisation",
    )
    bin_edges: tuple[float, ...] = Field(
        (50.0, 1640.0, 3230.0, 4820.0, 6410.0, 8000.0),
        description="target bins of the thresholds, left-closed, in units of the target",
    )
    quantile: float = Field(0.68, gt=0, lt=1, description="quantile of the squared errors that sets a threshold")
    momentum: float = Field(0.1, gt=0, le=1, description="weight of the newest batch in a running threshold")
    weighted: bool = Field(True, description="apply the study's event weights")
    update_in_validation: bool = Field(
        False, description="let validation batches move the thresholds, as the original code does"
    )


class ScheduleSettings(Settings):
    """One-cycle stage, then step decay from the best checkpoint (paper's schedule; spec 5.2, 5.3)."""

    warmup_epochs: PositiveInt = 2
    decay_epochs: PositiveInt = 18
    lr_start: PositiveFloat = 5e-5
    lr_peak: PositiveFloat = 5e-3
    lr_end: PositiveFloat = 5e-4
    beta1_high: float = Field(0.95, gt=0, lt=1)
    beta1_low: float = Field(0.85, gt=0, lt=1)
    step_epochs: int = Field(30, ge=0, description="at most so many epochs of step decay after the cycle")
    step_patience: PositiveInt = Field(2, description="epochs without improvement before the rate is halved")
    step_factor: float = Field(0.5, gt=0, lt=1)
    stop_patience: PositiveInt = Field(10, description="epochs without improvement that end the training")
    constant: bool = Field(False, description="keep lr_peak and beta1_high throughout (the paper's comparison)")

    @property
    def cycle_epochs(self) -> int:
        """Epochs of the one-cycle stage."""
        return self.warmup_epochs + self.decay_epochs

    @property
    def max_epochs(self) -> int:
        """Epochs after which training ends in any case."""
        return self.cycle_epochs + self.step_epochs


class TrainingSettings(Settings):
    """How the members of a network model are trained."""

    batch_size: PositiveInt = Field(256, description="running batch norm's momentum depends on it")
    members: PositiveInt = Field(5, description="networks in an ensemble")
    folds: Literal["full", "unique"] = Field("full", description="which training folds a member gets (spec 5.4)")
    loss: LossSettings = LossSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    adam_beta2: float = 0.999
    adam_eps: float = 1e-8
    threads: PositiveInt = Field(1, description="torch threads; part of what fixes the bits of a result")
    amp: bool = Field(False, description="bfloat16 autocast (norms and loss stay float32)")
    channels_last: bool = Field(True, description="channels_last_3d memory format")
    compile: bool = Field(False, description="torch.compile the network: pays on long GPU runs only")
    shuffle_buffer_mb: PositiveInt = Field(256, description="bound of the shuffle buffer of sparse hits")
    checkpoint_minutes: PositiveFloat = Field(10.0, description="save at least so often within an epoch")
    prediction_batch: PositiveInt = Field(64, description="batch size of inference; part of what fixes the bits")
