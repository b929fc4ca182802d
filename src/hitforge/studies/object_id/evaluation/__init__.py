"""Metrics of object_id."""
