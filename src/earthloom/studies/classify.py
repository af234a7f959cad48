"""A classifier trained from scratch on pictures in memory, and its accuracy on others.

Letters: N pictures, B batch, S side of a picture, K classes, 3 RGB.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, pi
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from earthloom.data.pixels import to_unit
from earthloom.data.sampler import turned
from earthloom.pipelines.device import Device
from earthloom.studies.class_folders import Labelled
from earthloom.studies.classifiers import ResNet34, VGGNet, ViT

BATCH = 32
RISE = 0.1
"""Share of the steps in which the learning rate rises; a cosine takes it down again."""

WEIGHT_DECAY = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Classifier:
    """A network to train."""

    name: str
    """As papers call it."""

    build: Callable[[int, int], nn.Module]
    """From the number of classes and the side of the pictures."""

    lr: float
    """Peak learning rate of AdamW."""

    needs_cuda: bool = False
    """Whether a CPU would take hours for table 3."""


CLASSIFIERS = (
    Classifier(name="ResNet34", build=lambda classes, side_px: ResNet34(classes), lr=1e-3),
    Classifier(
        name="small ViT",
        build=lambda classes, side_px: ViT(
            classes, side_px=side_px, patch_px=side_px // 8, width=192, depth=6, heads=3
        ),
        lr=5e-4,
    ),
    Classifier(name="VGG19", build=lambda classes, side_px: VGGNet(classes), lr=1e-4, needs_cuda=True),
    Classifier(
        name="ViT-B/32",
        build=lambda classes, side_px: ViT(classes, side_px=side_px, patch_px=32, width=768, depth=12, heads=12),
        lr=1e-4,
        needs_cuda=True,
    ),
    Classifier(
        name="ViT-B/16",
        build=lambda classes, side_px: ViT(classes, side_px=side_px, patch_px=16, width=768, depth=12, heads=12),
        lr=1e-4,
        needs_cuda=True,
    ),
)
"""The paper's four, and one small enough for a CPU."""


def learn(
    classifier: Classifier, data: Labelled, num_classes: int, *, steps: int, seed: int, device: Device
) -> nn.Module:
    """Train a fresh network by AdamW on turned and mirrored pictures.

    Args:
        classifier: What to train.
        data: What from.
        num_classes: K.
        steps: Of `BATCH` pictures each.
        seed: Of weights, order, turns and mirrors.
        device: Where; in bf16 by autocast.
    """
    rng = np.random.default_rng(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        built: Any = classifier.build(num_classes, data.pictures_NSS3.shape[1])
        network: nn.Module = built.to(device.type, memory_format=torch.channels_last).train()
        optimiser = torch.optim.AdamW(network.parameters(), classifier.lr, weight_decay=WEIGHT_DECAY, fused=True)
        order = _order(len(data.labels_N), steps * BATCH, rng)
        for step in range(steps):
            for group in optimiser.param_groups:
                group["lr"] = classifier.lr * share_of_peak(step, steps)
            chosen_B = order[step * BATCH : (step + 1) * BATCH]
            pictures = [turned(data.pictures_NSS3[i], int(rng.integers(4)), bool(rng.integers(2))) for i in chosen_B]
            logits_BK = _logits(network, np.stack(pictures), device)
            labels_B = torch.from_numpy(data.labels_N[chosen_B]).to(device.type)
            optimiser.zero_grad()
            functional.cross_entropy(logits_BK, labels_B).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    return network.eval()


def accuracy(network: nn.Module, data: Labelled, *, device: Device) -> float:
    """Return the share of pictures whose class a network in evaluation mode finds."""
    hits = 0
    with torch.inference_mode():
        for start in range(0, len(data.labels_N), BATCH):
            part = slice(start, start + BATCH)
            best_B = _logits(network, data.pictures_NSS3[part], device).argmax(dim=1).cpu().numpy()
            hits += int((best_B == data.labels_N[part]).sum())
    return hits / len(data.labels_N)


def share_of_peak(step: int, steps: int) -> float:
    """Return the learning rate of a step, as a share of its peak: a straight rise, then a cosine to 0."""
    rise = max(1, round(RISE * steps))
    return (step + 1) / rise if step < rise else 0.5 + 0.5 * cos(pi * (step - rise) / max(1, steps - rise))


def _order(num: int, wanted: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return `wanted` indices: every picture once in a drawn order, then again in another."""
    passes = -(-wanted // num)
    return np.concatenate([rng.permutation(num) for _ in range(passes)])[:wanted]


def _logits(network: nn.Module, pictures_BSS3: NDArray[np.uint8], device: Device) -> Tensor:
    x_B3SS = to_unit(torch.from_numpy(pictures_BSS3).to(device.type)).permute(0, 3, 1, 2)
    with torch.autocast(device.type, torch.bfloat16, enabled=device.precision == "bf16"):
        return cast(Tensor, network(x_B3SS)).float()
