"""Trained models as ONNX graphs: what a study says of them, networks by torch's exporter, boosters node by node."""
