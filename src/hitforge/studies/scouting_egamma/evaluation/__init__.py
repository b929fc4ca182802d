"""Metrics of the study."""
