"""Networks by the name of their architecture."""

from __future__ import annotations

import torch
from torch import nn

from hitforge.studies.csc_muon.models.network import EnsembleNetwork
from hitforge.studies.csc_muon.models.seed_networks import EmtfNetwork, SeedCnn1d, SeedCnn2d, SeedFcn, initialise
from hitforge.studies.csc_muon.models.tensors import PLANE_CHANNELS
from hitforge.studies.csc_muon.settings import NetworkSettings


def build_network(settings: NetworkSettings, n_features: int, seed: int) -> nn.Module:
    """Build and initialise a network; the global random state stays as it is.

    Parameters
    ----------
    n_features : int
        Features of the model.
    seed : int
        Fixes all initial parameters.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if settings.architecture == "ensemble":
            return EnsembleNetwork(settings, n_features, len(PLANE_CHANNELS), PLANE_CHANNELS.index("hit"))
        network: nn.Module
        if settings.architecture == "emtf_nn":
            network = EmtfNetwork(n_features)
        elif settings.architecture == "seed_cnn1d":
            network = SeedCnn1d(n_features, settings.output)
        elif settings.architecture == "seed_cnn2d":
            network = SeedCnn2d(settings.output)
        else:
            network = SeedFcn(n_features, settings.output)
        initialise(network)
        if isinstance(network, SeedCnn2d):
            network.initialise_output()
    return network
