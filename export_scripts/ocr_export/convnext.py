"""ConvNeXt for text lines, with a linear output (CTC).

Liu et al. 2022, "A ConvNet for the 2020s", with the stem 4x4 and the 2x1 down-sampling of
ModelScope's `cv_convnextTiny_ocr-recognition-general` (depths 3, 3, 8, 3; dims 96, 192, 256,
512), so that one output step covers 4 pixels of the line; CTC instead of its ViT.
"""

from __future__ import annotations

import dataclasses

import torch
from torch import nn


@dataclasses.dataclass(frozen=True)
class ConvNeXtConfig:
    """depths: blocks of each stage. dims: channels of each stage."""

    classes: int
    depths: tuple[int, int, int, int] = (2, 2, 4, 2)
    dims: tuple[int, int, int, int] = (48, 96, 192, 320)


class ConvNeXt(nn.Module):
    def __init__(self, config: ConvNeXtConfig) -> None:
        super().__init__()
        self.config = config
        stages: list[nn.Module] = []
        inputs = 1
        for stage, (depth, dim) in enumerate(zip(config.depths, config.dims, strict=True)):
            size = (4, 4) if stage == 0 else (2, 1)
            if stage > 0:
                stages.append(ChannelNorm(inputs))
            stages.append(nn.Conv2d(inputs, dim, size, stride=size))
            if stage == 0:
                stages.append(ChannelNorm(dim))
            stages.extend(Block(dim) for _ in range(depth))
            inputs = dim
        self.features = nn.Sequential(*stages)  # (N, 48, 8, W/4) .. (N, 320, 1, W/4)
        self.norm = nn.LayerNorm(inputs)
        self.output = nn.Linear(inputs, config.classes)
        self.apply(_initialise)

    def steps(self, lines: torch.Tensor) -> torch.Tensor:
        """Lines (N, 1, 32, W) in [0, 1] to features (N, W/4, last dim)."""
        features = self.features(lines - 0.5).squeeze(2).transpose(1, 2)
        steps: torch.Tensor = self.norm(features)
        return steps

    def forward(self, lines: torch.Tensor) -> torch.Tensor:
        """Lines (N, 1, 32, W) in [0, 1] to logits (N, W/4, classes)."""
        logits: torch.Tensor = self.output(self.steps(lines))
        return logits


class Block(nn.Module):
    """Depth-wise 7x7 for the neighbourhood, then a channel MLP, scaled and added."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.spatial = nn.Conv2d(dim, dim, 7, padding=3, groups=dim)
        self.norm = nn.LayerNorm(dim)
        self.expand = nn.Linear(dim, 4 * dim)
        self.activation = nn.GELU()
        self.project = nn.Linear(4 * dim, dim)
        self.scale = nn.Parameter(torch.full((dim,), 0.1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, dim, H, W) to the same shape."""
        y = self.spatial(x).permute(0, 2, 3, 1)  # (N, H, W, dim)
        y = self.project(self.activation(self.expand(self.norm(y))))
        result: torch.Tensor = x + (self.scale * y).permute(0, 3, 1, 2)
        return result


class ChannelNorm(nn.Module):
    """Layer norm over the channels of (N, C, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return y


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
