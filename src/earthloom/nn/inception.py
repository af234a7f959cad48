"""InceptionV3 as FID and KID of papers use it, for whoever has its weights at hand.

The network is that of Szegedy et al. 2016 (arXiv:1512.00567) in TensorFlow's release of 2015-12-05, up to pool3. Names
are those of its public PyTorch weights. Letters: B batch, C channels, H W pixels, D = 2048 features.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from earthloom.errors import ModelError
from earthloom.nn.state_dict import read_tensors

NUM_FEATURES = 2048
"""D."""

SIDE_PX = 299
"""Side the network sees; other pictures are resized."""

WEIGHTS = "pt_inception-2015-12-05-6726825d.pth"
"""The public file, a release of pytorch-fid; torch-fidelity has it too."""

_HEAD = (1008, NUM_FEATURES)
"""Of `fc.weight`. It is not used, but tells these weights from torchvision's own, whose other names are the same."""

Kernel = tuple[int, int, int]
"""Channels, height and width of a convolution."""

Step = tuple[Kernel, ...]
"""One convolution, or two side by side."""


class Convolution(nn.Module):
    """A convolution without bias, batch normalisation, ReLU."""

    def __init__(self, before: int, kernel: Kernel, *, stride: int = 1, padded: bool = True) -> None:
        """Build it for `before` channels; not padded, it loses the border."""
        super().__init__()
        channels, height, width = kernel
        padding = (height // 2, width // 2) if padded else 0
        self.conv = nn.Conv2d(before, channels, (height, width), stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(channels, eps=0.001)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return `(B, channels, H, W)`, at least 0."""
        return functional.relu(self.bn(self.conv(x_BCHW)), inplace=True)


class Block(nn.Module):
    """Chains of convolutions side by side, their channels joined; those of the pooled input come last."""

    def __init__(self, before: int, pool: nn.Module, pooled: int | None, **chains: Sequence[Step]) -> None:
        """Build the chains.

        Args:
            before: Channels that come in.
            pool: What the last chain sees the input through.
            pooled: Channels of its one convolution. None: it has none, and every chain ends in a step of 2 px.
            chains: By name. A chain of one convolution gives it its name; of several, `name_1`, `name_2a`, `name_2b`.
        """
        super().__init__()
        self.pool = pool
        stride = 2 if pooled is None else 1
        self.chains = [self._add(name, before, steps, stride) for name, steps in chains.items()]
        self.pooled = [] if pooled is None else self._add("branch_pool", before, [_conv(pooled)], stride)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return all channels; H and W as they are, or halved."""
        outputs = [each for chain in self.chains for each in self._run(chain, x_BCHW)]
        return torch.cat([*outputs, *self._run(self.pooled, self.pool(x_BCHW))], dim=1)

    def _add(self, chain: str, before: int, steps: Sequence[Step], last_stride: int) -> list[list[str]]:
        """Build a chain and return the names of its convolutions, step by step."""
        names = []
        for place, step in enumerate(steps, 1):
            name = chain if len(steps) == 1 else f"{chain}_{place}"
            stride = last_stride if place == len(steps) else 1
            names.append([name] if len(step) == 1 else [f"{name}a", f"{name}b"])
            for each, kernel in zip(names[-1], step, strict=True):
                self.add_module(each, Convolution(before, kernel, stride=stride, padded=stride == 1))
            before = step[0][0]
        return names

    def _run(self, chain: Sequence[Sequence[str]], x_BCHW: Tensor) -> list[Tensor]:
        outputs = [x_BCHW]
        for names in chain:
            outputs = [self.get_submodule(name)(outputs[0]) for name in names]
        return outputs


class InceptionV3(nn.Sequential):
    """From pictures to pool3."""

    def __init__(self) -> None:
        """Build the layers, with random weights."""
        layers = {
            "Conv2d_1a_3x3": Convolution(3, (32, 3, 3), stride=2, padded=False),
            "Conv2d_2a_3x3": Convolution(32, (32, 3, 3), padded=False),
            "Conv2d_2b_3x3": Convolution(32, (64, 3, 3)),
            "pool_1": nn.MaxPool2d(3, 2),
            "Conv2d_3b_1x1": Convolution(64, (80, 1, 1)),
            "Conv2d_4a_3x3": Convolution(80, (192, 3, 3), padded=False),
            "pool_2": nn.MaxPool2d(3, 2),
            "Mixed_5b": _fine(192, 32),
            "Mixed_5c": _fine(256, 64),
            "Mixed_5d": _fine(288, 64),
            "Mixed_6a": _to_middle(288),
            "Mixed_6b": _middle(768, 128),
            "Mixed_6c": _middle(768, 160),
            "Mixed_6d": _middle(768, 160),
            "Mixed_6e": _middle(768, 192),
            "Mixed_7a": _to_coarse(768),
            "Mixed_7b": _coarse(1280, _average()),
            # The release takes the maximum here, where other blocks average; so FID does.
            "Mixed_7c": _coarse(2048, nn.MaxPool2d(3, 1, 1)),
        }
        super().__init__(OrderedDict(layers))

    def forward(self, x_B3HW: Tensor) -> Tensor:
        """Return the features of pictures.

        Resizing and scaling are those of TensorFlow's graph, which the first FID was computed with and torch-fidelity
        repeats; pytorch-fid samples at half-pixel centres instead, which shifts small pictures.

        Args:
            x_B3HW: RGB in [-1, 1], of any size.

        Returns:
            `(B, 2048)`, at least 0.
        """
        x_BCHW = (resized(resized((x_B3HW + 1.0) * 127.5, 3), 2) - 128.0) / 128.0
        for layer in self:
            x_BCHW = layer(x_BCHW)
        return x_BCHW.mean(dim=(2, 3))


def resized(x_BCHW: Tensor, dim: int, side_px: int = SIDE_PX) -> Tensor:
    """Resize one axis by linear interpolation as TensorFlow 1 does: output i samples the input at `i * size / side_px`.

    Left edges fall on left edges, and past the last pixel its value goes on. Nothing is averaged when it shrinks.
    """
    size = x_BCHW.shape[dim]
    at = torch.arange(side_px, dtype=torch.float32, device=x_BCHW.device) * (size / side_px)
    low = at.long()
    low_BCHW, high_BCHW = (x_BCHW.index_select(dim, each) for each in (low, (low + 1).clamp(max=size - 1)))
    part = (at - low).to(x_BCHW.dtype).view(-1, *[1] * (3 - dim))
    return low_BCHW + (high_BCHW - low_BCHW) * part


def load_inception(path: Path) -> InceptionV3:
    """Read InceptionV3 from its public weights, `.pth` or the same names in safetensors; ready and frozen.

    Args:
        path: The file, with the head of 1008 classes. A `.pth` is read as plain tensors, never as code.

    Raises:
        ModelError: If the file is missing, damaged or holds something else.
    """
    if not path.is_file():
        raise ModelError(f"no InceptionV3 weights at {path}: give {WEIGHTS}, which pytorch-fid publishes")
    tensors = dict(read_tensors(path))
    head, _ = tensors.pop("fc.weight", None), tensors.pop("fc.bias", None)
    if head is None or head.shape != _HEAD:
        found = "missing" if head is None else f"{tuple(head.shape)}"
        raise ModelError(f"{path} is not the InceptionV3 of FID: fc.weight is {found}, want {_HEAD} as in {WEIGHTS}")
    inception = InceptionV3()
    _check(tensors, inception.state_dict(), path)
    inception.load_state_dict(tensors)
    return inception.eval().requires_grad_(False)


def _check(tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor], path: Path) -> None:
    for name, own in wanted.items():
        if name not in tensors and not name.endswith(".num_batches_tracked"):  # counts nothing here
            raise ModelError(f"{path} is no whole InceptionV3: {name} is missing")
        if name in tensors and tensors[name].shape != own.shape:
            found = tuple(tensors[name].shape)
            raise ModelError(f"{path} is not the InceptionV3 of FID: {name} is {found}, want {tuple(own.shape)}")
    if strange := sorted(tensors.keys() - wanted.keys()):
        raise ModelError(f"{path} is not the InceptionV3 of FID: it has no {strange[0]}")


def _fine(before: int, pooled: int) -> Block:
    """35 x 35 px (figure 5 of the paper, with a 5 x 5 kept)."""
    return Block(
        before,
        _average(),
        pooled,
        branch1x1=[_conv(64)],
        branch5x5=[_conv(48), _conv(64, 5, 5)],
        branch3x3dbl=[_conv(64), _conv(96, 3, 3), _conv(96, 3, 3)],
    )


def _to_middle(before: int) -> Block:
    """From 35 x 35 to 17 x 17 px."""
    return Block(
        before,
        nn.MaxPool2d(3, 2),
        None,
        branch3x3=[_conv(384, 3, 3)],
        branch3x3dbl=[_conv(64), _conv(96, 3, 3), _conv(96, 3, 3)],
    )


def _middle(before: int, thin: int) -> Block:
    """17 x 17 px: 7 x 7 in two halves (figure 6)."""
    wide, tall = _conv(thin, 1, 7), _conv(thin, 7, 1)
    return Block(
        before,
        _average(),
        192,
        branch1x1=[_conv(192)],
        branch7x7=[_conv(thin), wide, _conv(192, 7, 1)],
        branch7x7dbl=[_conv(thin), tall, wide, tall, _conv(192, 1, 7)],
    )


def _to_coarse(before: int) -> Block:
    """From 17 x 17 to 8 x 8 px."""
    return Block(
        before,
        nn.MaxPool2d(3, 2),
        None,
        branch3x3=[_conv(192), _conv(320, 3, 3)],
        branch7x7x3=[_conv(192), _conv(192, 1, 7), _conv(192, 7, 1), _conv(192, 3, 3)],
    )


def _coarse(before: int, pool: nn.Module) -> Block:
    """8 x 8 px: chains that end in a fork (figure 7)."""
    fork = ((384, 1, 3), (384, 3, 1))
    return Block(
        before,
        pool,
        192,
        branch1x1=[_conv(320)],
        branch3x3=[_conv(384), fork],
        branch3x3dbl=[_conv(448), _conv(384, 3, 3), fork],
    )


def _conv(channels: int, height: int = 1, width: int = 1) -> Step:
    return ((channels, height, width),)


def _average() -> nn.AvgPool2d:
    return nn.AvgPool2d(3, 1, 1, count_include_pad=False)
