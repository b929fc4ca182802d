"""Shipped geometries of the block, a YAML file each."""
