"""Networks of the seeds and of the trigger: their layers and parameter counts are those that were published.

Each returns its outputs by name, as the losses of :mod:`hitforge.studies.csc_muon.models.losses` expect them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

Outputs = dict[str, Tensor]


class SeedCnn1d(nn.Module):
    """The deck's convolution over a row of 19 features: 17 729 parameters."""

    def __init__(self, n_features: int, column: str) -> None:
        super().__init__()
        self.column = column
        layers: list[nn.Module] = []
        for channels in (1, 64, 64):
            layers += [nn.Conv1d(channels, 64, 2), nn.ReLU()]
        self.body = nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * (n_features - 3), 1), nn.ReLU())

    def forward(self, features: Tensor) -> Outputs:
        """Return 1/pT, shape (B,), never negative, of features, shape (B, F)."""
        return {self.column: self.body(features[:, None])[:, 0]}


class SeedCnn2d(nn.Module):
    """The deck's convolution over the 5 x 5 image of its 23 features: 25 857 parameters."""

    def __init__(self, column: str) -> None:
        super().__init__()
        self.column = column
        layers: list[nn.Module] = []
        for inputs, outputs, kernel in ((1, 64, 3), (64, 64, 2), (64, 32, 2), (32, 16, 1)):
            layers += [nn.Conv2d(inputs, outputs, kernel), nn.ReLU()]
        self.output = nn.Linear(16, 1)
        self.body = nn.Sequential(*layers, nn.Flatten(), self.output)

    def forward(self, image: Tensor) -> Outputs:
        """Return 1/pT, shape (B,), of images, shape (B, 1, 5, 5), from 0 to 255."""
        return {self.column: self.body(image / 255)[:, 0]}

    def initialise_output(self) -> None:
        """Draw the output's weights as the deck does: normal, deviation 0.05."""
        nn.init.normal_(self.output.weight, std=0.05)


class SeedFcn(nn.Module):
    """The article's dense network: four classes, or one linear output for q/pT."""

    def __init__(self, n_features: int, column: str) -> None:
        super().__init__()
        self.column = column
        width = n_features
        layers: list[nn.Module] = []
        for units, dropout in ((512, 0.0), (256, 0.1), (128, 0.0), (64, 0.1), (32, 0.1)):
            layers += [nn.Linear(width, units), nn.ReLU()]
            if dropout:
                layers.append(nn.Dropout(dropout))
            width = units
        self.body = nn.Sequential(*layers, nn.Linear(width, 4 if column == "class_logits" else 1))

    def forward(self, features: Tensor) -> Outputs:
        """Return logits, shape (B, 4), or a value, shape (B,), of standardised features, shape (B, F)."""
        output = self.body(features)
        return {self.column: output if self.column == "class_logits" else output[:, 0]}


class EmtfNetwork(nn.Module):
    """The trigger's network: dense 50, 30, 20 without bias, batch norm, tanh; q/pT and a decision (EMTF++ code)."""

    SCALE = 100.0
    """The network predicts q/pT times this."""

    def __init__(self, n_features: int) -> None:
        super().__init__()
        width = n_features
        layers: list[nn.Module] = []
        for units in (50, 30, 20):
            # momentum 0.9 of the original is the weight of the old average, here it is that of the new batch
            layers += [nn.Linear(width, units, bias=False), nn.BatchNorm1d(units, eps=1e-4, momentum=0.1), nn.Tanh()]
            width = units
        self.body = nn.Sequential(*layers)
        self.output = nn.Linear(width, 2)

    def forward(self, features: Tensor, sign: Tensor) -> Outputs:
        """Return q/pT and the logit of the decision, shape (B,), of folded features, shape (B, F), and their sign."""
        folded, decision = self.output(self.body(features)).unbind(dim=1)
        return {"q_over_pt": sign * folded / self.SCALE, "trigger_logit": decision}


def initialise(network: nn.Module) -> None:
    """Glorot-uniform weights and zero biases, the default of the framework that the seeds used."""
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                with torch.no_grad():
                    module.bias.zero_()
