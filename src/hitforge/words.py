"""Words that stand in files and paths, each in one place."""

from __future__ import annotations

HELDOUT = "heldout"
"""The evaluation on events of the train sample that no training of the fit has seen."""

TRAINED_ON = "trained_on"
"""The evaluation on events that the models were trained on: what was learnt by heart."""

RESERVED = frozenset({HELDOUT, TRAINED_ON})
"""Names of evaluations on the train sample; no sample may be called so."""


def model_of(fit: str) -> str:
    """Return the model that a fit belongs to.

    Parameters
    ----------
    fit : str
        ``cnn``, the main fit of a model, or in cross-fitting ``cnn/rotation_2``.
    """
    return fit.partition("/")[0]
