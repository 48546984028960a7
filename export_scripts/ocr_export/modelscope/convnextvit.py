"""ModelScope's ConvNextViT: what its file of weights calls each layer, and what each does.

A ConvNeXt (Liu et al. 2022) turns each of three chunks of a line into 75 columns, a ViT (Atienza
2021, "Vision Transformer for Fast and Efficient Scene Text Recognition") looks at all columns of
a chunk, and the chunks' columns are joined before the linear output (CTC).
"""

from __future__ import annotations

import itertools

import torch
from torch import nn

from .gray import GRAY

LINE_HEIGHT, LINE_WIDTH = 32, 804  # pixels
CHUNK_WIDTH = 300
CHUNK_STARTS = (0, 252, 504)
CHUNK_STEPS = 75  # one for 4 pixels
# Neighbours share 12 steps. Each keeps its own side of the middle, where it sees more around.
KEPT_STEPS = (slice(0, 69), slice(6, 69), slice(6, 75))

DEPTHS = (3, 3, 8, 3)
DIMS = (96, 192, 256, 512)
VIT_DIM, VIT_DEPTH, VIT_HEADS = 192, 12, 3
HEAD_DIM = VIT_DIM // VIT_HEADS
NORM_EPS = 1e-6

# Shapes are written out below, so that the exported graph knows all sizes but N.


class ConvNextViT(nn.Module):
    """Lines (N, 1, 32, 804) in [0, 1] to logits (N, 201, classes)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.cnn_model = ConvNeXt()
        self.vitstr = ViTSTR(classes)

    def forward(self, lines: torch.Tensor) -> torch.Tensor:
        chunks = [lines[..., start : start + CHUNK_WIDTH] for start in CHUNK_STARTS]
        stacked = torch.stack(chunks, dim=1).reshape(-1, 1, LINE_HEIGHT, CHUNK_WIDTH)
        logits: torch.Tensor = self.vitstr(self.cnn_model(stacked * GRAY))
        return logits


class ConvNeXt(nn.Module):
    """Chunks (M, 1, 32, 300) to columns (M, 512, 1, 75)."""

    def __init__(self) -> None:
        super().__init__()
        stem = nn.Sequential(nn.Conv2d(1, DIMS[0], 4, stride=4), ChannelNorm(DIMS[0]))
        self.downsample_layers = nn.ModuleList([stem])
        for inputs, outputs in itertools.pairwise(DIMS):
            halve_rows = nn.Conv2d(inputs, outputs, (2, 1), stride=(2, 1))
            self.downsample_layers.append(nn.Sequential(ChannelNorm(inputs), halve_rows))
        self.stages = nn.ModuleList(
            nn.Sequential(*(ConvNeXtBlock(dim) for _ in range(depth)))
            for depth, dim in zip(DEPTHS, DIMS, strict=True)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for downsample, stage in zip(self.downsample_layers, self.stages, strict=True):
            x = stage(downsample(x))
        return x


class ConvNeXtBlock(nn.Module):
    """Depth-wise 7x7, then a channel MLP, scaled by gamma and added: (M, dim, H, W) to the same."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(dim))
        self.dwconv = nn.Conv2d(dim, dim, 7, padding=3, groups=dim)
        self.norm = nn.LayerNorm(dim, eps=NORM_EPS)
        self.pwconv1 = nn.Linear(dim, 4 * dim)
        self.pwconv2 = nn.Linear(4 * dim, dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm(self.dwconv(x).permute(0, 2, 3, 1))  # (M, H, W, dim)
        y = self.pwconv2(nn.functional.gelu(self.pwconv1(y)))
        result: torch.Tensor = x + (self.gamma * y).permute(0, 3, 1, 2)
        return result


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of (M, C, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=NORM_EPS)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ViTSTR(nn.Module):
    """Columns of chunks (3 N, 512, 1, 75) to logits of lines (N, 201, classes)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        # Every file of weights has a class token, as those of ViTs do; nothing reads it.
        self.cls_token = nn.Parameter(torch.zeros(1, 1, VIT_DIM))
        self.pos_embed = nn.Parameter(torch.zeros(1, CHUNK_STEPS, VIT_DIM))
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(DIMS[-1], VIT_DIM, 1)})
        self.blocks = nn.Sequential(*(ViTBlock() for _ in range(VIT_DEPTH)))
        self.norm = nn.LayerNorm(VIT_DIM, eps=NORM_EPS)
        self.head = nn.Linear(VIT_DIM, classes)

    def forward(self, columns: torch.Tensor) -> torch.Tensor:
        x = self.patch_embed["proj"](columns)[:, :, 0].transpose(1, 2)  # (3 N, 75, 192)
        x = self.norm(self.blocks(x + self.pos_embed))
        chunks = x.reshape(-1, len(CHUNK_STARTS), CHUNK_STEPS, VIT_DIM)
        kept = [chunks[:, index, steps] for index, steps in enumerate(KEPT_STEPS)]
        logits: torch.Tensor = self.head(torch.cat(kept, dim=1))
        return logits


class ViTBlock(nn.Module):
    """Attention and an MLP, each on normed input and added: (M, 75, 192) to the same."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(VIT_DIM, eps=NORM_EPS)
        self.attn = Attention()
        self.norm2 = nn.LayerNorm(VIT_DIM, eps=NORM_EPS)
        self.mlp = nn.ModuleDict(
            {"fc1": nn.Linear(VIT_DIM, 4 * VIT_DIM), "fc2": nn.Linear(4 * VIT_DIM, VIT_DIM)}
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attn(self.norm1(x))
        wide = nn.functional.gelu(self.mlp["fc1"](self.norm2(x)))
        result: torch.Tensor = x + self.mlp["fc2"](wide)
        return result


class Attention(nn.Module):
    """Of every step to every step of its chunk, in 3 heads of 64."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(VIT_DIM, 3 * VIT_DIM)
        self.proj = nn.Linear(VIT_DIM, VIT_DIM)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        heads = self.qkv(x).reshape(-1, CHUNK_STEPS, 3, VIT_HEADS, HEAD_DIM)
        query, key, value = heads.permute(2, 0, 3, 1, 4)  # (M, 3, 75, 64) each
        weights = torch.softmax(query @ key.transpose(2, 3) * HEAD_DIM**-0.5, dim=3)
        seen = weights @ value
        result: torch.Tensor = self.proj(seen.transpose(1, 2).reshape(-1, CHUNK_STEPS, VIT_DIM))
        return result
