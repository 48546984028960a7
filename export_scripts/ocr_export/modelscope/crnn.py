"""ModelScope's CRNN: what its file of weights calls each layer, and what each does.

Like the `crnn` of this project (Shi, Bai, Yao 2017), in the paper's width, with convolutions that
have a bias, and a linear layer after each of the two LSTMs.
"""

from __future__ import annotations

import itertools

import torch
from torch import nn

from .gray import GRAY

LSTM_CELLS = 256


class CRNN(nn.Module):
    """Lines (N, 1, 32, W) in [0, 1] to logits (N, W/4, classes)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.conv0 = _convolutions(1, 64)
        self.conv1 = _convolutions(64, 128)
        self.conv2 = _convolutions(128, 256, 256)
        self.conv3 = _convolutions(256, 512, 512)
        self.conv4 = _convolutions(512, 512, kernel=(2, 1), padding=0)
        self.halve = nn.MaxPool2d(2)
        self.halve_rows = nn.MaxPool2d((2, 1))
        self.rnn = nn.Sequential(Recurrent(512, 256), Recurrent(256, 512))
        self.cls = nn.Linear(512, classes, bias=False)

    def forward(self, lines: torch.Tensor) -> torch.Tensor:
        x = self.halve(self.conv0(lines * GRAY))  # (N, 64, 16, W/2)
        x = self.halve(self.conv1(x))  # (N, 128, 8, W/4)
        x = self.halve_rows(self.conv2(x))  # (N, 256, 4, W/4)
        x = self.halve_rows(self.conv3(x))  # (N, 512, 2, W/4)
        x = self.conv4(x).squeeze(2).transpose(1, 2)  # (N, W/4, 512)
        logits: torch.Tensor = self.cls(self.rnn(x))
        return logits


class Recurrent(nn.Module):
    """A bidirectional LSTM and a linear layer: (N, T, inputs) to (N, T, outputs)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.rnn = nn.LSTM(inputs, LSTM_CELLS, bidirectional=True, batch_first=True)
        self.embedding = nn.Linear(2 * LSTM_CELLS, outputs)

    def forward(self, steps: torch.Tensor) -> torch.Tensor:
        embedded: torch.Tensor = self.embedding(self.rnn(steps)[0])
        return embedded


def _convolutions(
    *channels: int, kernel: int | tuple[int, int] = 3, padding: int = 1
) -> nn.Sequential:
    """Convolution, batch norm, ReLU from each number of channels to the next."""
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(channels):
        layers += [
            nn.Conv2d(inputs, outputs, kernel, padding=padding),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)
