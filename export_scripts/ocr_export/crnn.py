"""CRNN: convolutions of the VGG type, two bidirectional LSTM layers, a linear output (CTC).

Shi, Bai, Yao 2017, "An End-to-End Trainable Neural Network for Image-based Sequence
Recognition", with the pooling of ModelScope's `cv_crnn_ocr-recognition-general`: 2x2, 2x2,
2x1, 2x1, and a last convolution 2x1. So one output step covers 4 pixels of the line.
"""

from __future__ import annotations

import dataclasses

import torch
from torch import nn


@dataclasses.dataclass(frozen=True)
class CRNNConfig:
    """channels: of the stages (64, 128, 256, 512 in the paper). hidden: LSTM cells a direction."""

    classes: int
    channels: tuple[int, int, int, int] = (32, 64, 128, 256)
    hidden: int = 160


class CRNN(nn.Module):
    def __init__(self, config: CRNNConfig) -> None:
        super().__init__()
        self.config = config
        c1, c2, c3, c4 = config.channels
        self.features = nn.Sequential(
            _convolution(1, c1),  # (N, c1, 32, W)
            nn.MaxPool2d(2),  # (N, c1, 16, W/2)
            _convolution(c1, c2),
            nn.MaxPool2d(2),  # (N, c2, 8, W/4)
            _convolution(c2, c3),
            _convolution(c3, c3),
            nn.MaxPool2d((2, 1)),  # (N, c3, 4, W/4)
            _convolution(c3, c4),
            _convolution(c4, c4),
            nn.MaxPool2d((2, 1)),  # (N, c4, 2, W/4)
            _convolution(c4, c4, kernel=(2, 1), padding=(0, 0)),  # (N, c4, 1, W/4)
        )
        self.sequence = nn.LSTM(
            c4, config.hidden, num_layers=2, bidirectional=True, batch_first=True
        )
        self.output = nn.Linear(2 * config.hidden, config.classes)

    def steps(self, lines: torch.Tensor) -> torch.Tensor:
        """Lines (N, 1, 32, W) in [0, 1] to features (N, W/4, 2 * hidden)."""
        features = self.features(lines).squeeze(2).transpose(1, 2)  # (N, W/4, c4)
        steps: torch.Tensor = self.sequence(features)[0]
        return steps

    def forward(self, lines: torch.Tensor) -> torch.Tensor:
        """Lines (N, 1, 32, W) in [0, 1] to logits (N, W/4, classes)."""
        logits: torch.Tensor = self.output(self.steps(lines))
        return logits


def _convolution(
    inputs: int,
    outputs: int,
    kernel: tuple[int, int] = (3, 3),
    padding: tuple[int, int] = (1, 1),
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=padding, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )
