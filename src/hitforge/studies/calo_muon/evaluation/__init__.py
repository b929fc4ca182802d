"""Evaluation of calo_muon: the published measure, and what the models know about the energy."""
