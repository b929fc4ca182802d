"""Networks by the name of their architecture."""

from __future__ import annotations

import torch
from torch import nn

from hitforge.studies.object_id.image import ImageSettings
from hitforge.studies.object_id.networks.residual import ResidualNetwork
from hitforge.studies.object_id.networks.seed import SeedCnn, initialise
from hitforge.studies.object_id.settings import NetworkSettings


def build_network(settings: NetworkSettings, image: ImageSettings, n_features: int, seed: int) -> nn.Module:
    """Build and initialise a network; ``seed`` fixes all weights, and the global random state stays as it is."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if settings.architecture == "residual":
            return ResidualNetwork(settings, n_features)
        network = SeedCnn(settings, image.rows, image.columns)
        initialise(network)
    return network
