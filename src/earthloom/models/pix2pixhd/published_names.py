"""What the published Pix2PixHD code calls its layers, and what the names say of the configuration.

Its networks are numbered sequences in which padding, norms and activations count too (`models/networks.py` there).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from torch import Tensor

from earthloom.errors import ModelError
from earthloom.models.pix2pixhd.config import PAPER, Enhancer, Pix2PixHDConfig
from earthloom.models.pix2pixhd.discriminator import PICTURE_CHANNELS

Kernels = Mapping[str, tuple[int, ...]]
"""Name of a convolution -> shape of its weight."""

Recognised = tuple[str, Pix2PixHDConfig, list[str]]
"""The network, its configuration, and the published names of its convolutions in the order of ours."""


@dataclass(frozen=True, slots=True)
class _Piece:
    length: int
    """Places it takes in a sequence."""

    convolutions: tuple[tuple[int, str], ...]
    """The place of each convolution in it, and its name below that place."""


_WIDE = _Piece(4, ((1, ""),))  # padding, convolution, norm, ReLU
_STEP = _Piece(3, ((0, ""),))  # convolution that halves or doubles, norm, ReLU
_BLOCK = _Piece(1, ((0, ".conv_block.1"), (0, ".conv_block.5")))
_HEAD = _Piece(3, ((1, ""),))  # padding, convolution, tanh


def recognise(state: Mapping[str, Tensor], where: str) -> Recognised:
    """Tell a published network by its names; whether all of its tensors are there is not looked at.

    Raises:
        ModelError: If it is none.
    """
    kernels = {name.removesuffix(".weight"): tuple(tensor.shape) for name, tensor in state.items() if tensor.ndim == 4}
    if "model.1" in kernels:
        return _generator(kernels, where)
    if "scale0_layer0.0" in kernels:
        return _discriminator(kernels, "scale{}_layer{}.0", places=(0, 1, 2, 3, 4))
    if "layer0.0" in kernels:
        return _discriminator(kernels, "layer{}.{}", places=(0, 2, 5, 8, 11))
    found = ", ".join(list(state)[:3]) or "nothing"
    wanted = "model.1.weight, scale0_layer0.0.weight or layer0.0.weight"
    raise ModelError(f"{where} is no Pix2PixHD network: want {wanted}, found {found}")


def norm_after(layer: str) -> str:
    """Return the name of the norm that follows a convolution, if one does."""
    sequence, _, place = layer.rpartition(".")
    return f"{sequence}.{int(place) + 1}"


def _generator(kernels: Kernels, where: str) -> Recognised:
    """The width doubles at each halving, and the residual blocks follow the last one."""
    blocks = _numbers(r"model\.(\d+)\.conv_block\.1", kernels)
    if not blocks:
        raise ModelError(f"{where} is no Pix2PixHD generator: it has no residual blocks (model.N.conv_block)")
    halvings = (min(blocks) - _WIDE.length) // _STEP.length
    width, in_channels = kernels["model.1"][:2]
    coarse = [_WIDE, *[_STEP] * halvings, *[_BLOCK] * len(blocks), *[_STEP] * halvings]
    config = replace(
        PAPER,
        in_channels=in_channels,
        widths=tuple(width << halving for halving in range(halvings + 1)),
        num_blocks=len(blocks),
        enhancer=None,
    )
    if not any(name.startswith("model1_") for name in kernels):
        return "generator", config, _names("model", [*coarse, _HEAD])
    fine = _numbers(r"model1_2\.(\d+)\.conv_block\.1", kernels)
    layers = _names("model", coarse) + _names("model1_1", [_WIDE, _STEP])
    layers += _names("model1_2", [*[_BLOCK] * len(fine), _STEP, _HEAD])
    return "generator", replace(config, enhancer=Enhancer(width=width // 2, num_blocks=len(fine))), layers


def _discriminator(kernels: Kernels, pattern: str, places: tuple[int, ...]) -> Recognised:
    """The highest number judges the full picture, number 0 the smallest."""
    scales = sum(pattern.format(scale, 0) in kernels for scale in range(len(kernels)))
    width, channels = kernels[pattern.format(0, 0)][:2]
    config = replace(
        PAPER,
        in_channels=channels - PICTURE_CHANNELS,
        discriminator_width=width,
        discriminator_scales=scales,
    )
    layers = [pattern.format(scale, place) for scale in reversed(range(scales)) for place in places]
    return "discriminator", config, layers


def _numbers(pattern: str, names: Iterable[str]) -> set[int]:
    return {int(found[1]) for name in names if (found := re.fullmatch(pattern, name))}


def _names(prefix: str, pieces: Iterable[_Piece]) -> list[str]:
    names, start = [], 0
    for piece in pieces:
        names += [f"{prefix}.{start + place}{below}" for place, below in piece.convolutions]
        start += piece.length
    return names
