"""Metrics of csc_muon: pure functions from arrays to JSON-able numbers."""
