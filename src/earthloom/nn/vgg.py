"""VGG19 features and the perceptual loss on them, for whoever has the weights at hand.

Letters: B batch, C channels, H W pixels.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from earthloom.errors import ModelError
from earthloom.nn.state_dict import read_tensors

BLOCKS = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 1))
"""(channels, convolutions) of each block as far as relu5_1, the last feature used."""

WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)
"""Of relu1_1 .. relu5_1 in the perceptual loss."""

_TORCHVISION_INDICES = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28)
_CAFFE_MEAN_RGB = (123.68, 116.779, 103.939)
_TORCHVISION_MEAN = (0.485, 0.456, 0.406)
_TORCHVISION_STD = (0.229, 0.224, 0.225)
_CAFFE_SCALE = 255.0 * sum(_TORCHVISION_STD) / 3
"""How much larger features are whose input is 0..255 instead of normalised."""


class VGG19(nn.Module):
    """relu1_1, relu2_1, relu3_1, relu4_1 and relu5_1 of VGG19 (Simonyan & Zisserman 2015), frozen."""

    factor: Tensor
    offset: Tensor

    def __init__(self, factor: tuple[float, ...], offset: tuple[float, ...], scale: float = 1.0) -> None:
        """Build the layers.

        Args:
            factor: `factor * x + offset` takes RGB in [-1, 1] to what the weights were trained on.
            offset: See `factor`.
            scale: Of the features, relative to those of a network trained on normalised RGB.
        """
        super().__init__()
        self.scale = scale
        self.register_buffer("factor", torch.tensor(factor).view(-1, 1, 1), persistent=False)
        self.register_buffer("offset", torch.tensor(offset).view(-1, 1, 1), persistent=False)
        inputs = [3, *(channels for channels, _ in BLOCKS)]
        self.blocks = nn.ModuleList(
            nn.ModuleList(nn.Conv2d(before if i == 0 else channels, channels, 3, padding=1) for i in range(count))
            for before, (channels, count) in zip(inputs, BLOCKS, strict=False)
        )

    def forward(self, x_B3HW: Tensor) -> list[Tensor]:
        """Return the five feature maps of RGB pictures in [-1, 1] with sides of at least 16 px."""
        x_BCHW = x_B3HW * self.factor + self.offset
        features = []
        for index, block in enumerate(self.blocks):
            x_BCHW = x_BCHW if index == 0 else functional.max_pool2d(x_BCHW, 2)
            for place, convolution in enumerate(block.children()):
                x_BCHW = functional.relu(convolution(x_BCHW))
                if place == 0:
                    features.append(x_BCHW)
        return features


def perceptual_loss(vgg19: VGG19, fake_B3HW: Tensor, real_B3HW: Tensor) -> Tensor:
    """`sum_i w_i mean |V_i(G(x)) - V_i(y)|` over relu1_1 .. relu5_1, as in Pix2PixHD.

    Features of weights made for 0..255 are brought to the scale of those made for normalised RGB, so that the
    published weight of the term suits both.

    Args:
        vgg19: From `load_vgg19`.
        fake_B3HW: Generated pictures in [-1, 1]; the gradient goes here.
        real_B3HW: True pictures in [-1, 1].

    Returns:
        A scalar, 0 for equal pictures.
    """
    with torch.no_grad():
        real = vgg19(real_B3HW)
    terms = [
        weight * functional.l1_loss(fake_features.float(), real_features.float())
        for weight, fake_features, real_features in zip(WEIGHTS, vgg19(fake_B3HW), real, strict=True)
    ]
    return torch.stack(terms).sum() / vgg19.scale


def load_vgg19(path: Path, *, normalize: bool = True) -> VGG19:
    """Read VGG19 from a file of either kind.

    - safetensors with `convB_I.weight`, 8-bit (`value = q * scale + min`) or float, input channels B, G, R in 0..255
      minus the mean;
    - torchvision's state dict (`features.N.weight`), `.pth` or safetensors, input RGB normalised by mean and deviation.

    Args:
        path: The file. A `.pth` is read as plain tensors, never as code.
        normalize: False feeds RGB in [-1, 1] as it is, as the published training code does.

    Raises:
        ModelError: If the file is missing, damaged or holds something else.
    """
    tensors = _read(path)
    if "conv1_1.weight" in tensors:
        vgg19 = VGG19((127.5,) * 3, tuple(127.5 - mean for mean in _CAFFE_MEAN_RGB), _CAFFE_SCALE)
        names = [f"conv{block}_{i}" for block, (_, count) in enumerate(BLOCKS, 1) for i in range(1, count + 1)]
    elif "features.0.weight" in tensors:
        statistics = list(zip(_TORCHVISION_MEAN, _TORCHVISION_STD, strict=True))
        vgg19 = VGG19(tuple(0.5 / std for _, std in statistics), tuple((0.5 - mean) / std for mean, std in statistics))
        names = [f"features.{index}" for index in _TORCHVISION_INDICES]
    else:
        found = ", ".join(list(tensors)[:3])
        raise ModelError(f"{path} is no VGG19: want conv1_1.weight or features.0.weight, found {found or 'nothing'}")
    _fill(vgg19, tensors, names, path)
    if not normalize:
        vgg19.factor.fill_(1.0)
        vgg19.offset.fill_(0.0)
    return vgg19.eval().requires_grad_(False)


def _read(path: Path) -> Mapping[str, Tensor]:
    if not path.is_file():
        raise ModelError(f"no VGG19 weights at {path}: give a file, or leave --vgg19 out to do without")
    return read_tensors(path)


def _fill(vgg19: VGG19, tensors: Mapping[str, Tensor], names: list[str], path: Path) -> None:
    convolutions = [layer for layer in vgg19.modules() if isinstance(layer, nn.Conv2d)]
    for convolution, name in zip(convolutions, names, strict=True):
        for kind in ("weight", "bias"):
            value = _value(tensors, f"{name}.{kind}", path)
            if name == "conv1_1" and kind == "weight":
                value = value.flip(1)  # B, G, R -> R, G, B
            parameter = convolution.get_parameter(kind)
            if value.shape != parameter.shape:
                raise ModelError(
                    f"{path} is no VGG19: {name}.{kind} is {tuple(value.shape)}, want {tuple(parameter.shape)}"
                )
            parameter.data.copy_(value)


def _value(tensors: Mapping[str, Tensor], key: str, path: Path) -> Tensor:
    try:
        if tensors[key].dtype != torch.uint8:
            return tensors[key].float()
        return tensors[key].float() * tensors[f"{key}.scale"] + tensors[f"{key}.min"]
    except KeyError as error:
        raise ModelError(f"{path} is no whole VGG19: {error.args[0]} is missing") from error
