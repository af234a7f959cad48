"""The bar at zoom 17: a plain U-Net with cross-entropy, trained and measured on the same pairs as the generator.

    python benchmarks/unet_bar.py PAIRS [--steps 2000] [--seed 0]

PAIRS is what `earthloom data build dubai` writes. Prints the report `earthloom train` prints for its generator.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from earthloom.cartography.style import STYLE
from earthloom.data.pairs import read_pairs
from earthloom.data.pixels import to_unit
from earthloom.data.sampler import Cropping, Sampler
from earthloom.training.maps.validate import validate

GSD_M = 0.5971642834
HALO_PX, BLOCK_PX = 64, 512


class Double(nn.Sequential):
    """Two 3 x 3 convolutions with batch norm."""

    def __init__(self, inner: int, outer: int) -> None:
        """Build the pair."""
        layers = [(inner, outer), (outer, outer)]
        super().__init__(
            *(m for i, o in layers for m in (nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU(True)))
        )


class UNet(nn.Module):
    """Five levels, 3,036,065 parameters (Ronneberger et al. 2015, with padding and batch norm)."""

    def __init__(self, channels: int = 20, classes: int = 5) -> None:
        """Build the network."""
        super().__init__()
        widths = [channels * 2**level for level in range(5)]
        self.down = nn.ModuleList([Double(i, o) for i, o in zip([3, *widths], widths, strict=False)])
        self.up = nn.ModuleList([nn.ConvTranspose2d(widths[i + 1], widths[i], 2, 2) for i in range(4)])
        self.join = nn.ModuleList([Double(2 * widths[i], widths[i]) for i in range(4)])
        self.head = nn.Conv2d(channels, classes, 1)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Give class logits `(B, K, H, W)`."""
        seen: list[Tensor] = []
        for level, double in enumerate(self.down):
            x_BCHW = double(functional.max_pool2d(x_BCHW, 2) if level else x_BCHW)
            seen.append(x_BCHW)
        for level in (3, 2, 1, 0):
            x_BCHW = self.join[level](torch.cat([self.up[level](x_BCHW), seen[level]], 1))
        logits_BKHW: Tensor = self.head(x_BCHW)
        return logits_BKHW


def train(sampler: Sampler, steps: int, seed: int) -> UNet:
    """Train with AdamW and one cycle of the learning rate, batch 4, bf16 autocast."""
    torch.manual_seed(seed)
    network = UNet().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(network.parameters(), 1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, steps, pct_start=0.1)
    for step in range(steps):
        crops = [sampler.crop(step, i) for i in range(4)]
        sets_BHW = np.stack([crop.sets_HW for crop in crops])
        ids_BHW = torch.from_numpy(np.where(sets_BHW == 0, -1, np.log2(np.maximum(sets_BHW, 1)))).long()
        logits_BKHW = run(network, np.stack([crop.rgb_HW3 for crop in crops]))
        loss = functional.cross_entropy(logits_BKHW, ids_BHW, ignore_index=-1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            print(f"step {step} loss {loss.item():.3f}", flush=True)
    return network.eval()


def run(network: UNet, rgb_BHW3: np.ndarray) -> Tensor:
    """Give logits of uint8 images."""
    x_BCHW = to_unit(torch.from_numpy(rgb_BHW3).permute(0, 3, 1, 2)).contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        logits_BKHW: Tensor = network(x_BCHW)
    return logits_BKHW.float()


def label(network: UNet, rgb_HW3: np.ndarray) -> np.ndarray:
    """Give class ids of an image of any size, window by window with a halo."""
    height, width = rgb_HW3.shape[:2]
    edges = ((HALO_PX, HALO_PX + BLOCK_PX), (HALO_PX, HALO_PX + BLOCK_PX), (0, 0))
    padded, ids_HW = np.pad(rgb_HW3, edges, mode="reflect"), np.zeros((height, width), np.uint8)
    side = BLOCK_PX + 2 * HALO_PX
    for row in range(0, height, BLOCK_PX):
        for col in range(0, width, BLOCK_PX):
            with torch.inference_mode():
                logits = run(network, padded[None, row : row + side, col : col + side].copy())
            ids = logits[0, :, HALO_PX:-HALO_PX, HALO_PX:-HALO_PX].argmax(0).numpy() + 1
            ids_HW[row : row + BLOCK_PX, col : col + BLOCK_PX] = ids[: height - row, : width - col]
    return ids_HW


def main() -> None:
    """Train, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    pairs = read_pairs(args.pairs)
    cropping = Cropping(size_px=256, gsd_m=GSD_M, scale=(1.0, 1.0), looks=None)
    chosen = [pair for pair in pairs if pair.split == "train"]
    sampler = Sampler(chosen, cropping=cropping, palette=STYLE.palette, weights={}, seed=args.seed)
    network = train(sampler, args.steps, args.seed)
    report = validate(pairs, lambda rgb: label(network, rgb), palette=STYLE.palette, names=STYLE.names, gsd_m=GSD_M)
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
