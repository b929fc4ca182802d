"""From torch modules and boosters to one ONNX model; needs the extra ``onnx``."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from hitforge.onnx_graphs.boosters import BoosterTrees, tree_node

if TYPE_CHECKING:
    import onnx

OPSET = 18
"""Of the standard operators; trees are of ``ai.onnx.ml``, :data:`ML_OPSET`."""

ML_OPSET = 3
IR_VERSION = 10
"""A file of it opens in onnxruntime 1.18 and later."""


class MissingExtraError(ValueError):
    """A package is missing; the message has the command that installs it."""


def need_onnx() -> None:
    """Raise with the command to run if a package of the extra is not there."""
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"{error.name} is not installed: pip install 'hitforge[onnx]'") from error


def traced_model(module: nn.Module, inputs: Mapping[str, Tensor]) -> onnx.ModelProto:
    """Return a module as a graph with inputs and outputs by name and any number of events.

    Parameters
    ----------
    module : Module
        From tensors, by position, to outputs by name.
    inputs : mapping of name to Tensor, shape (n, ...)
        Two or more events, whose values play no role.
    """
    events = torch.export.Dim("events", min=1)
    with torch.inference_mode():
        outputs = module.eval()(*inputs.values())
    # what the exporter says of its own ways is nothing to a user
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        level = logging.getLogger("torch.onnx").level
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        try:
            program = torch.onnx.export(
                _ByPosition(module),
                tuple(inputs.values()),
                dynamo=True,
                opset_version=OPSET,
                input_names=list(inputs),
                output_names=list(outputs),
                dynamic_shapes=(tuple({0: events} for _ in inputs),),
                verbose=False,
            )
        finally:
            logging.getLogger("torch.onnx").setLevel(level)
    assert program is not None
    found: onnx.ModelProto = program.model_proto
    return found


class _ByPosition(nn.Module):
    """Outputs in their order: the exporter names a dictionary's after its keys' order, too, but sorted."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.module(*inputs).values())


def with_boosters(
    around: onnx.ModelProto, boosters: Sequence[BoosterTrees], own: str, margins: Sequence[str]
) -> onnx.ModelProto:
    """Return the graph with the boosters between its output ``own`` and its inputs ``margins``, which both go."""
    from onnx.helper import make_opsetid

    graph = around.graph
    before = _making(graph.node, own)
    after = [node for node in graph.node if id(node) not in {id(made) for made in before}]
    trees = [tree_node(booster, own, name) for booster, name in zip(boosters, margins, strict=True)]
    # nodes stand in an order in which they can be computed
    ordered = [*before, *trees, *after]
    inputs = [value for value in graph.input if value.name not in margins]
    outputs = [value for value in graph.output if value.name != own]
    for kept, field in ((ordered, graph.node), (inputs, graph.input), (outputs, graph.output)):
        copies = [type(value).FromString(value.SerializeToString()) for value in kept]
        del field[:]
        field.extend(copies)
    around.opset_import.append(make_opsetid("ai.onnx.ml", ML_OPSET))
    return around


def _making(nodes: Sequence[onnx.NodeProto], value: str) -> list[onnx.NodeProto]:
    """Return the nodes that a value is made by, in their order."""
    needed, found = {value}, []
    for node in reversed(nodes):
        if needed & set(node.output):
            needed |= set(node.input)
            found.append(node)
    return found[::-1]


def finished(model: onnx.ModelProto, about: Mapping[str, Any]) -> bytes:
    """Return the bytes of a checked model with what it is in its metadata; the same model gives the same bytes."""
    import onnx

    model.ir_version = IR_VERSION
    model.producer_name, model.producer_version = "hitforge", str(about["hitforge_version"])
    for node in model.graph.node:
        # where the exporter found each node in our source
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    onnx.helper.set_model_props(model, {key: str(value) for key, value in about.items()})
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))
