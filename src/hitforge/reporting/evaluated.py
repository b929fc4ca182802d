"""Old name of :mod:`hitforge.reporting.metrics`; goes when no study imports it."""

from hitforge.reporting.metrics import *  # noqa: F403
from hitforge.reporting.plotting import colour_among, overlaid  # noqa: F401
from hitforge.words import HELDOUT, TRAINED_ON  # noqa: F401
