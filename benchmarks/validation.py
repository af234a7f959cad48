"""IoU of a map generator on the validation split of pairs: the tables of docs/accuracy-and-failures.md, measured again.

    python benchmarks/validation.py benchmarks/weights/r2m-17-split PAIRS [PAIRS ...]

PAIRS are what `earthloom data build` writes. The checkpoint named here has seen Dubai's tiles 1, 3, 4, 7 alone, so
tiles 2 and 5 are new ground to it.
"""

import argparse
import json
from pathlib import Path

from earthloom.cartography.style import STYLE
from earthloom.data.pairs import read_pairs
from earthloom.models.weights import load
from earthloom.training.maps.predict import labeller
from earthloom.training.maps.validate import validate


def main() -> None:
    """Draw, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("pairs", type=Path, nargs="+")
    args = parser.parse_args()
    checkpoint = load(args.checkpoint, model="pix2pixhd", network="generator")
    label = labeller(checkpoint.module.eval(), checkpoint.config, STYLE.palette, bf16=True)
    pairs = [pair for folder in args.pairs for pair in read_pairs(folder)]
    report = validate(pairs, label, palette=STYLE.palette, names=STYLE.names, gsd_m=checkpoint.meta["gsd_m"])
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
