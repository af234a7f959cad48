"""Put trained networks into the package as shipped weights, stored in bfloat16.

    python scripts/pack_weights.py series-small r2m-17=runs/r2m/generator m2m=runs/m2m/generator
    python scripts/pack_weights.py metaearth-small denoiser=runs/metaearth-small/denoiser
    python scripts/pack_weights.py series-small r2m-17=runs/r2m/generator --shift r2m-17:road=0.1,water=-0.3

A shift is added to the logits of classes of a palette head: above 0 the map has more of them. The figures in a card
are those of the run; storing in bfloat16 rounds weights to 8 bits of mantissa.
"""

import argparse
from pathlib import Path

import torch
from torch import nn

from earthloom.cartography.style import STYLE
from earthloom.models.names import SHIPPED
from earthloom.models.weights import load, save


def main() -> None:
    """Copy each part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("parts", nargs="+", metavar="PART=FOLDER")
    parser.add_argument("--shift", action="append", default=[], metavar="PART:CLASS=LOGITS,...")
    args = parser.parse_args()
    shifts = dict(each.split(":") for each in args.shift)
    for part in args.parts:
        name, _, folder = part.partition("=")
        trained = load(Path(folder))
        if name in shifts:
            shift(trained.module, shifts[name])
        target = SHIPPED / args.name / name
        save(
            target,
            trained.config,
            trained.module,
            meta=trained.meta,
            card=trained.card,
            network=trained.header.network,
            dtype=torch.bfloat16,
            overwrite=target.exists(),
        )
        print(target, sum(file.stat().st_size for file in target.iterdir()), "bytes")


@torch.no_grad()
def shift(generator: nn.Module, classes: str) -> None:
    """Add to the logits of classes, `road=0.1,water=-0.3`."""
    bias_K = generator.get_parameter("head.0.bias")
    for each in classes.split(","):
        name, _, logits = each.partition("=")
        bias_K[STYLE.id_of(name) - 1] += float(logits)


if __name__ == "__main__":
    main()
