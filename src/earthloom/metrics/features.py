"""What pictures look like, as vectors; a figure made from them is named after them.

FID and KID of papers are on InceptionV3's; a Frechet distance or KID on VGG19's is neither. Any other network can be
wrapped in `Features`. Letters: B pictures of a batch, N of all, D features, H W pixels.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from earthloom.errors import DataError, ModelError, ShapeError
from earthloom.nn.inception import NUM_FEATURES, InceptionV3
from earthloom.nn.vgg import BLOCKS, VGG19

LAYERS = tuple(f"relu{block}_1" for block in range(1, len(BLOCKS) + 1))
"""Layers of VGG19 in the order of its outputs."""

INCEPTION = "inception-v3-pool3"
"""Name of the features that FID and KID of papers are on."""

_SHORTEST_PX = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """A way to turn pictures into vectors."""

    name: str
    """Goes wherever the figures go: `inception-v3-pool3`, `vgg19-relu5_1`."""

    num: int
    """D."""

    compute: Callable[[NDArray[np.uint8]], NDArray[np.float64]]
    """`(N, H, W, 3)` -> `(N, D)`."""

    def __call__(self, pictures_NHW3: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the features of RGB pictures, `(N, D)`.

        Raises:
            ShapeError: If these are no 8-bit RGB pictures with sides of at least 16 px.
        """
        shape = pictures_NHW3.shape
        if pictures_NHW3.dtype != np.uint8 or len(shape) != 4 or shape[3] != 3 or min(shape[1:3]) < _SHORTEST_PX:
            raise ShapeError(
                f"{self.name} wants uint8 pictures (N, H, W, 3) with sides of at least {_SHORTEST_PX} px, "
                f"got {pictures_NHW3.dtype} {shape}"
            )
        return self.compute(pictures_NHW3)


def vgg19_features(vgg19: VGG19, layer: str = "relu5_1", *, batch_size: int = 8) -> Features:
    """Build features from the mean over the picture of one layer of VGG19 (Simonyan & Zisserman 2015).

    They are on the scale of a network made for normalised RGB, as KID's kernel depends on it.

    Args:
        vgg19: From `load_vgg19`; runs where it lies.
        layer: `relu5_1` (512 values: what is seen) down to `relu1_1` (64: colours and edges).
        batch_size: Pictures at a time.

    Raises:
        ModelError: If there is no such layer.
    """
    if layer not in LAYERS:
        raise ModelError(f"no layer {layer!r} in VGG19 features: choose one of {', '.join(LAYERS)}")
    index = LAYERS.index(layer)

    def see(x_B3HW: Tensor) -> Tensor:
        maps_BDhw: Tensor = vgg19(x_B3HW)[index]
        return maps_BDhw.mean(dim=(2, 3)).double() / vgg19.scale

    num = BLOCKS[index][0]
    return Features(name=f"vgg19-{layer}", num=num, compute=_in_batches(vgg19, see, num, batch_size))


def inception_features(inception: InceptionV3, *, batch_size: int = 8) -> Features:
    """Build features from pool3 of InceptionV3, which FID (Heusel et al. 2017) and KID (Binkowski et al. 2018) are on.

    Args:
        inception: From `load_inception`; runs where it lies.
        batch_size: Pictures at a time.
    """
    return Features(
        name=INCEPTION, num=NUM_FEATURES, compute=_in_batches(inception, inception, NUM_FEATURES, batch_size)
    )


def check_features(*sets_ND: NDArray[np.float64]) -> None:
    """Refuse sets of features that cannot be compared.

    Raises:
        ShapeError: If they are not all `(N, D)` with one D.
        DataError: If one holds a value that is not finite.
    """
    shapes = [set_ND.shape for set_ND in sets_ND]
    if any(len(shape) != 2 or shape[1] != shapes[0][-1] for shape in shapes):
        raise ShapeError(f"want features (N, D) of one D, got {', '.join(map(str, shapes))}: use one Features for all")
    for set_ND in sets_ND:
        bad = np.flatnonzero(~np.isfinite(set_ND).all(axis=1))
        if bad.size:
            raise DataError(f"features of picture {bad[0]} are not finite: leave it out or look at its network")


def _in_batches(
    network: nn.Module, see: Callable[[Tensor], Tensor], num: int, batch_size: int
) -> Callable[[NDArray[np.uint8]], NDArray[np.float64]]:
    """Return `Features.compute` of what `see` makes of RGB in [-1, 1], `(B, 3, H, W)` -> `(B, D)`, by a network."""

    @torch.no_grad()
    def compute(pictures_NHW3: NDArray[np.uint8]) -> NDArray[np.float64]:
        device = next(network.parameters()).device
        features_ND = np.zeros((len(pictures_NHW3), num))
        for start in range(0, len(pictures_NHW3), batch_size):
            here = slice(start, start + batch_size)
            x_B3HW = torch.tensor(pictures_NHW3[here], device=device).permute(0, 3, 1, 2)
            features_ND[here] = see(x_B3HW.float() / 127.5 - 1.0).double().cpu().numpy()
        return features_ND

    return compute
