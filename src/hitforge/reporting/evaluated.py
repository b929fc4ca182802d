"""Old name of :mod:`hitforge.reporting.metrics`; goes when no study imports it."""

from hitforge.reporting.metrics import *  # noqa: F403
