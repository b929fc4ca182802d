"""Settings of network training; importing this module does not import torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from hitforge.settings_base import Settings


class ScheduleSettings(Settings):
    """One-cycle stage, then step decay from the best checkpoint (arXiv:2107.02119, training schedule)."""

    warmup_epochs: PositiveInt = Field(2, description="epochs of the cycle in which the learning rate rises")
    decay_epochs: PositiveInt = Field(18, description="epochs of the cycle in which the learning rate falls")
    lr_start: PositiveFloat = Field(5e-5, description="learning rate at the start of the cycle")
    lr_peak: PositiveFloat = Field(5e-3, description="learning rate at the end of the warm-up")
    lr_end: PositiveFloat = Field(5e-4, description="learning rate at the end of the cycle")
    beta1_high: float = Field(0.95, gt=0, lt=1, description="Adam's beta1 at both ends of the cycle and after it")
    beta1_low: float = Field(0.85, gt=0, lt=1, description="Adam's beta1 at the peak of the learning rate")
    step_epochs: int = Field(30, ge=0, description="at most so many epochs of step decay after the cycle")
    step_patience: PositiveInt = Field(
        2, description="epochs without improvement from which on the learning rate falls at each epoch"
    )
    step_factor: float = Field(0.5, gt=0, lt=1, description="factor on the learning rate in each such epoch")
    stop_patience: PositiveInt = Field(10, description="epochs without improvement that end the training")
    constant: bool = Field(False, description="keep lr_peak and beta1_high throughout (the paper's comparison)")
    stop_in_cycle: bool = Field(False, description="let stop_patience end the training within the cycle, too")

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

    batch_size: PositiveInt = Field(256, description="events in a batch; running batch norm's momentum depends on it")
    members: PositiveInt = Field(5, description="networks in an ensemble")
    folds: Literal["full", "unique"] = Field(
        "full", description="a member trains on all folds but its monitoring fold, or on a share of its own"
    )
    schedule: ScheduleSettings = Field(
        ScheduleSettings(), description="learning rate, momentum and end of the training"
    )
    optimiser: Literal["adam", "rmsprop", "sgd"] = Field(
        "adam", description="Adam (with weight_decay: AdamW), RMSprop with decay 0.9, or plain stochastic gradients"
    )
    adam_beta2: float = Field(0.999, description="Adam's decay rate of the squared gradients' average")
    adam_eps: float = Field(1e-8, description="Adam's constant in the denominator of a step")
    weight_decay: NonNegativeFloat = Field(0.0, description="decoupled weight decay (AdamW); 0 is Adam")
    start_from: str | None = Field(
        None,
        description="weights of a trained member to begin with, the path of its .safetensors file; {member} in it "
        "stands for the number of the member; null begins with random weights",
    )
    max_events: PositiveInt | None = Field(
        None, description="train on so many events, drawn from the training folds; null takes all"
    )
    max_monitoring: PositiveInt | None = Field(
        None, description="monitor with so many events, drawn from the monitoring fold; null takes all"
    )
    monitor: Literal["loss", "information"] = Field(
        "loss",
        description="what chooses the epoch on the monitoring fold: the loss, or the information in bits that the "
        "output holds about the target, where the study's loss measures it",
    )
    threads: PositiveInt = Field(1, description="torch threads; part of what fixes the bits of a result")
    amp: bool = Field(
        False,
        description="bfloat16 autocast: what goes from layer to layer is bfloat16, weights, moments of norms and loss "
        "stay float32; predictions on a GPU, too",
    )
    tf32: bool = Field(
        False,
        description="on a GPU, multiply float32 as TensorFloat-32, with 10 bits of mantissa; no effect on a CPU",
    )
    channels_last: bool = Field(True, description="channels_last_3d memory format")
    compile: bool = Field(False, description="torch.compile the network: pays on long GPU runs only")
    cuda_graph: bool = Field(
        False,
        description="on a GPU, record forward and backward pass of a training batch once and replay them: saves the "
        "launch of each kernel; without effect on a CPU",
    )
    check_every: PositiveInt = Field(
        1,
        description="batches after which the loss is looked at, to end a training that diverged; each look waits for "
        "the GPU, where 50 suits; the result is the same",
    )
    shuffle_buffer_mb: PositiveInt | Literal["auto"] = Field(
        256,
        description="bound of the shuffle buffer of sparse hits, in MiB; a sample that fits is read once and stays in "
        "memory; auto takes what a Slurm job was given, or half of what the machine has free, less 3 GiB",
    )
    resident: Literal["host", "device", "auto"] = Field(
        "host",
        description="where batches are put together: in the host's memory, or on the device, which then holds the hits "
        "of all events; auto takes a GPU if they take at most half of its free memory; the order is the same",
    )
    loader_threads: PositiveInt = Field(
        1, description="threads that read and decompress a window of shards; the result is the same"
    )
    members_per_gpu: PositiveInt = Field(
        1,
        description="members trained side by side in one job, that is on one GPU, each in a process of its own; they "
        "become the same as alone, but a new value is another job and plans trained members again, as does a new "
        "number of members for those of the last, incomplete job",
    )
    checkpoint_minutes: PositiveFloat = Field(10.0, description="minutes between checkpoints within an epoch, at most")
    tensorboard: bool = Field(
        False,
        description="write losses and learning rate of each epoch for TensorBoard, beside the checkpoint; needs the "
        "extra tensorboard; the result is the same",
    )
    prediction_batch: PositiveInt = Field(64, description="events in a batch of inference; part of what fixes the bits")


# What a key of a training decides is said here alone; a key that stands in no list enters the identity of a member.

CONDUCT = (
    "checkpoint_minutes",
    "check_every",
    "cuda_graph",
    "resident",
    "loader_threads",
    "tensorboard",
    "members_per_gpu",
)
"""Keys that say how a job goes about its work: none of them changes what a member becomes.

A new value of all but the last runs nothing again."""

BESIDE = {"shuffle_buffer_mb", *CONDUCT}
"""Keys that no prediction depends on and that reach a job beside its settings."""

WITHOUT_EFFECT_ON_A_MEMBER = {"members", "folds", "prediction_batch", *CONDUCT}
"""Keys that do not enter a member's identity; members and the fold scheme reach it as its own fold lists."""

OF_PREDICTION = ("threads", "channels_last", "prediction_batch", "loss", "amp", "tf32")
"""Keys that a prediction reads: what fixes the bits of inference, and what the network has learnt to give."""
