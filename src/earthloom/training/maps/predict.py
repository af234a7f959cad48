"""A generator over a whole picture in memory: windows with a halo, for validation and for making pairs.

Letters: C channels, H W pixels.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from earthloom.data.pairs import nearest
from earthloom.data.pixels import to_uint8, to_unit
from earthloom.models.pix2pixhd.config import Pix2PixHDConfig
from earthloom.models.pix2pixhd.receptive_field import halo_px, stride_px

Palette = tuple[tuple[int, int, int], ...]
Labeller = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
"""RGB `(H, W, 3)` -> class ids `(H, W)`, 1..K."""

BLOCK_PX = 512


def labeller(generator: nn.Module, model: Pix2PixHDConfig, palette: Palette, *, bf16: bool) -> Labeller:
    """Return the function that maps an image of any size to class ids.

    Args:
        generator: In evaluation mode on its device.
        model: Its architecture; gives halo and stride.
        palette: Map colours in id order; an RGB head's output goes to the nearest.
        bf16: Autocast to bfloat16.
    """
    device = next(generator.parameters()).device
    stride = stride_px(model)
    block = -(-BLOCK_PX // stride) * stride
    # Instance normalisation sees the whole window whatever the halo is: the radius of the convolutions is kept.
    halo = min(halo_px(model), block)

    def classify(out_CHW: Tensor) -> NDArray[np.uint8]:
        if model.head == "palette":
            return np.asarray((out_CHW.argmax(0) + 1).to(torch.uint8).cpu().numpy())
        return nearest(to_uint8(out_CHW).permute(1, 2, 0).cpu().numpy(), palette)

    def label(rgb_HW3: NDArray[np.uint8]) -> NDArray[np.uint8]:
        height, width = rgb_HW3.shape[:2]
        rows, cols = -(-height // block), -(-width // block)
        edges = ((halo, rows * block - height + halo), (halo, cols * block - width + halo), (0, 0))
        padded = np.pad(rgb_HW3, edges, mode="edge")
        ids_HW = np.empty((rows * block, cols * block), np.uint8)
        for top in range(0, rows * block, block):
            for left in range(0, cols * block, block):
                window = padded[top : top + block + 2 * halo, left : left + block + 2 * halo]
                out_CHW = _run(generator, window, device, bf16=bf16)[:, halo : halo + block, halo : halo + block]
                ids_HW[top : top + block, left : left + block] = classify(out_CHW)
        return ids_HW[:height, :width]

    return label


def _run(generator: nn.Module, rgb_HW3: NDArray[np.uint8], device: torch.device, *, bf16: bool) -> Tensor:
    x_BCHW = to_unit(torch.from_numpy(rgb_HW3.copy()).permute(2, 0, 1)[None].to(device))
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        out_BCHW: Tensor = generator(x_BCHW.contiguous(memory_format=torch.channels_last))
    return out_BCHW[0].float()
