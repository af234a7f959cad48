"""Some steps of a regime, and the gradients they end with; alone or under torchrun.

two_processes.py REGIME DATA OUT.npz BATCH
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from earthloom.training.batches import Shares, Steps, drawn
from earthloom.training.config import TrainConfig
from earthloom.training.device import accelerator_on
from earthloom.training.recipes import recipe
from earthloom.training.regimes import regime_of
from earthloom.training.runtime import Runtime

ALIKE = {"scale": (1.0, 1.0), "augment": False, "weights": (), "crop_px": 32, "seed": 1}
CONFIGS: dict[str, TrainConfig] = {
    "maps": replace(recipe("series-tiny"), warm_steps=1, adversarial_steps=1, **ALIKE),
    "diffusion": replace(recipe("metaearth-tiny"), steps=3, rise_steps=1, crop_px=16, accumulate=2, seed=1),
}


def gradients(regime_name: str, data: Path, batch: int) -> dict[str, np.ndarray]:
    """Return losses and gradients of all networks after each step, and the running statistics, by name."""
    accelerator = accelerator_on("cpu")
    config = replace(CONFIGS[regime_name], batch=batch)
    regime = regime_of(config, [data], Runtime(device="cpu", precision="fp32"), accelerator.device)
    shares = Shares(
        batch=batch,
        accumulate=config.accumulate,
        rank=accelerator.process_index,
        processes=accelerator.num_processes,
    )
    found: dict[str, np.ndarray] = {}
    networks = {name: part for name, part in regime.state.items() if isinstance(part, nn.Module)}
    for step, group in enumerate(drawn(Steps(regime.draw, shares, 0, config.num_steps), workers=0)):
        losses = regime.learn(group, step)
        found |= {f"{step} loss {name}": np.array(value) for name, value in losses.items()}
        for part, network in networks.items():
            for name, parameter in network.named_parameters():
                if parameter.grad is not None:
                    found[f"{step} {part} {name}"] = parameter.grad.numpy().copy()
    running = networks[regime.network].named_buffers()
    return found | {f"running {name}": value.numpy() for name, value in running}


if __name__ == "__main__":
    results = gradients(sys.argv[1], Path(sys.argv[2]), int(sys.argv[4]))
    if torch.distributed.get_rank() == 0:
        np.savez(sys.argv[3], **results)
    torch.distributed.destroy_process_group()
