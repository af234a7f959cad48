"""Put trained networks into the package as shipped weights, stored in bfloat16.

    python scripts/pack_weights.py series-small r2m-17=runs/r2m/generator m2m=runs/m2m/generator
    python scripts/pack_weights.py metaearth-small denoiser=runs/metaearth-small/denoiser

The figures in a card are those of the run; storing in bfloat16 rounds weights to 8 bits of mantissa.
"""

import argparse
from pathlib import Path

import torch

from earthloom.models.names import SHIPPED
from earthloom.models.weights import load, save


def main() -> None:
    """Copy each part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("parts", nargs="+", metavar="PART=FOLDER")
    args = parser.parse_args()
    for part in args.parts:
        name, _, folder = part.partition("=")
        trained = load(Path(folder))
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


if __name__ == "__main__":
    main()
