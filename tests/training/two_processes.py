"""One step of each phase on a folder of pairs, and the gradients it ends with; alone or under torchrun.

two_processes.py PAIRS OUT.npz BATCH
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from earthloom.cartography.style import STYLE
from earthloom.data.pairs import read_pairs
from earthloom.data.sampler import Cropping, Sampler
from earthloom.training.batches import Shares, batches
from earthloom.training.device import accelerator_on
from earthloom.training.maps.batch import Batch, stack
from earthloom.training.maps.networks import build
from earthloom.training.maps.objective import Objective
from earthloom.training.recipes import recipe


def gradients(pairs: Path, batch: int) -> dict[str, np.ndarray]:
    """Return losses, gradients of both networks after each step, and the generator's running statistics, by name."""
    accelerator = accelerator_on("cpu")
    config = replace(recipe("series-tiny"), batch=batch, warm_steps=1, adversarial_steps=1)
    networks = build(config, accelerator.device)
    objective = Objective(
        config=config,
        networks=networks,
        palette=STYLE.palette,
        class_weights=(1.0, 2.5, 2.0, 1.5, 1.8),
        device=accelerator.device,
        bf16=False,
        perceptual=None,
    )
    cropping = Cropping(size_px=32, gsd_m=None, scale=(1.0, 1.0), looks=None)
    train = [pair for pair in read_pairs(pairs) if pair.split == "train"]
    sampler = Sampler(train, cropping=cropping, palette=STYLE.palette, weights={}, seed=1)
    shares = Shares(batch=batch, accumulate=1, rank=accelerator.process_index, processes=accelerator.num_processes)
    found: dict[str, np.ndarray] = {}

    def draw(step: int, indices: range) -> Batch:
        return stack([sampler.crop(step, index) for index in indices])

    for step, group in enumerate(batches(draw, shares, first=0, last=2)):
        losses = objective.step(group, step)
        found |= {f"{step} loss {name}": np.array(value) for name, value in losses.items()}
        for part in ("generator", "discriminator"):
            for name, parameter in getattr(networks, part).named_parameters():
                if parameter.grad is not None:
                    found[f"{step} {part} {name}"] = parameter.grad.numpy().copy()
    return found | {f"running {name}": value.numpy() for name, value in networks.generator.named_buffers()}


if __name__ == "__main__":
    results = gradients(Path(sys.argv[1]), int(sys.argv[3]))
    if torch.distributed.get_rank() == 0:
        np.savez(sys.argv[2], **results)
    torch.distributed.destroy_process_group()
