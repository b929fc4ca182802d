"""A training step: forward and backward pass of a batch, kernel by kernel or recorded once and replayed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from hitforge.training.batches import Batch
from hitforge.training.losses import MemberLoss

Capture = Callable[[Callable[[], Tensor]], Callable[[], Tensor]]
Forward = Callable[..., Any]

WARM_UP_STEPS = 3
"""Steps before the recording: libraries allocate their work space and choose their algorithms at the first ones."""


class EagerStep:
    """Forward and backward pass, kernel by kernel; the gradients are the parameters' ``grad`` afterwards.

    Parameters
    ----------
    forward : callable
        The network, compiled or not.
    loss : MemberLoss
        In training mode.
    optimiser : Optimizer
        Its gradients are forgotten before each step; the step itself is the caller's.
    device : torch.device
    amp : bool
        Autocast the network to bfloat16.
    """

    def __init__(
        self, forward: Forward, loss: MemberLoss, optimiser: torch.optim.Optimizer, device: torch.device, amp: bool
    ) -> None:
        self.forward, self.loss, self.optimiser, self.device, self.amp = forward, loss, optimiser, device, amp

    def __call__(self, batch: Batch) -> Tensor:
        """Return the mean loss of a batch, on the device: nothing waits for it."""
        self.optimiser.zero_grad(set_to_none=True)
        return self.differentiate(batch)

    def differentiate(self, batch: Batch) -> Tensor:
        """Return the loss and set the gradients, which must be None."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.amp):
            output = self.forward(**batch.inputs)
        assert batch.target is not None
        loss: Tensor = self.loss(output, batch.target, batch.weight)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()


class RecordedStep:
    """The same as a CUDA graph: recorded at the fourth step, replayed from then on.

    The first steps are done kernel by kernel, so that a training has the same steps with and without a graph. The
    graph reads its batch from tensors of its own and writes gradients, losses and moved statistics where the
    recording found them; all batches have to have the same size. The optimiser stays outside: its rates change with
    each step, and its few kernels cost little.

    Parameters
    ----------
    eager : EagerStep
        What is recorded.
    capture : callable
        Work to something that repeats it; :func:`capture_on_gpu`.
    """

    def __init__(self, eager: EagerStep, capture: Capture) -> None:
        self.eager, self.capture = eager, capture
        self._done = 0
        self._batch: Batch | None = None
        self._replay: Callable[[], Tensor] | None = None

    def __call__(self, batch: Batch) -> Tensor:
        """Return the mean loss of a batch, on the device; valid until the next step."""
        if self._done < WARM_UP_STEPS:
            self._done += 1
            return self.eager(batch)
        if self._batch is None or self._replay is None:
            own = self._batch = batch.copy()
            # gradients that are None when the recording begins are written, not added to, by each replay
            self.eager.optimiser.zero_grad(set_to_none=True)
            self._replay = self.capture(lambda: self.eager.differentiate(own))
        else:
            self._batch.fill(batch)
        return self._replay()


def capture_on_gpu(work: Callable[[], Tensor]) -> Callable[[], Tensor]:
    """Record the kernels of ``work`` on the current GPU without running them, and return what runs them."""
    graph = torch.cuda.CUDAGraph()
    # other threads may go on allocating; nothing of theirs belongs to the graph
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        result = work()

    def replay() -> Tensor:
        graph.replay()
        return result

    return replay


def training_step(eager: EagerStep, *, cuda_graph: bool) -> EagerStep | RecordedStep:
    """Return the step that the settings ask for; a CPU has no graphs."""
    return RecordedStep(eager, capture_on_gpu) if cuda_graph and eager.device.type == "cuda" else eager
