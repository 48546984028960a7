"""A page to maps of where its lines of text are: of the DBNet family, small enough for two cores.

Liao et al. 2020, "Real-time Scene Text Detection with Differentiable Binarization", taught that a
line is best separated from its neighbours by its shrunken middle, the kernel. Here the network
tells the height of the line, too, so that nothing has to be guessed from the kernel's own height,
which is a few pixels. The body is a small residual network with a feature pyramid.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional

STRIDE = 32  # height and width of what goes in are multiples of it
PATCH = 4  # pixels a side that are one place of the first level
MIDDLE_HEIGHT = 4.0  # log2 of a height in pixels that the network calls 0


@dataclasses.dataclass(frozen=True)
class LineFinderConfig:
    """channels: at a quarter, an eighth, a sixteenth and a thirty-second of the size.

    blocks: likewise. pyramid: channels that all levels share.
    """

    channels: tuple[int, int, int, int] = (32, 48, 64, 96)
    blocks: tuple[int, int, int, int] = (1, 2, 2, 2)
    pyramid: int = 32

    @classmethod
    def parse(cls, fields: Mapping[str, Any]) -> LineFinderConfig:
        """Of plain values, where tuples are lists. Raises TypeError for a field that is none."""
        plain: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()
        }
        return cls(**plain)


class LineFinder(nn.Module):
    def __init__(self, config: LineFinderConfig) -> None:
        super().__init__()
        self.config = config
        levels: list[nn.Module] = []
        inputs = PATCH**2
        for i, (channels, blocks) in enumerate(zip(config.channels, config.blocks, strict=True)):
            level: list[nn.Module] = [_normed(inputs, channels, stride=2 if i else 1)]
            level += [Block(channels) for _ in range(blocks)]
            levels.append(nn.Sequential(*level))
            inputs = channels
        self.levels = nn.ModuleList(levels)
        self.context = Context(inputs)
        self.lateral = nn.ModuleList(
            nn.Conv2d(channels, config.pyramid, 1) for channels in config.channels
        )
        self.merged = nn.ModuleList(
            _normed(config.pyramid, config.pyramid) for _ in config.channels[:-1]
        )
        self.head = _normed(config.pyramid, config.pyramid)
        self.where = nn.Conv2d(config.pyramid, 8, 1)  # kernel and text at half of the size
        self.shape = nn.Conv2d(config.pyramid, 2, 1)

    def forward(self, pages: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Pages (N, 1, H, W) in [0, 1], H and W multiples of 32, to two maps.

        where (N, 2, H/2, W/2): logits of a line's kernel, and of its whole text.
        shape (N, 2, H/4, W/4), with meaning in kernels alone: log2 of the line's height in pixels
        less MIDDLE_HEIGHT, and the logit of its being a column of vertical text.
        """
        x = functional.pixel_unshuffle(pages - 0.5, PATCH)  # nothing is lost, nothing computed
        features = []
        for level in self.levels:
            x = level(x)
            features.append(x)
        features[-1] = self.context(features[-1])
        x = self.lateral[3](features[3])
        for i in (2, 1, 0):
            x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
            x = self.merged[i](x + self.lateral[i](features[i]))
        x = self.head(x)
        return functional.pixel_shuffle(self.where(x), 2), self.shape(x)


class Block(nn.Module):
    """Two 3x3 convolutions, added to what came in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _normed(channels, channels)
        self.second = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, channels, H, W) to the same shape."""
        return functional.relu(x + self.second(self.first(x)))


class Context(nn.Module):
    """Sees far at little cost, for letters as high as the picture: dilated, channel by channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.far = nn.ModuleList(
            nn.Conv2d(channels, channels, 3, padding=d, dilation=d, groups=channels) for d in (2, 4)
        )
        self.mix = nn.Sequential(
            nn.Conv2d(channels, channels, 1, bias=False), nn.BatchNorm2d(channels)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, channels, H, W) to the same shape."""
        return functional.relu(x + self.mix(sum(far(x) for far in self.far)))


def _normed(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )
