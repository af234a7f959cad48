"""Options that several verbs share, parsed once; rio's names where rio has one."""

import logging
import os
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from earthloom.errors import UsageError

if TYPE_CHECKING:
    from earthloom.geo.crs import Bounds
    from earthloom.io.imagery import Imagery

log = logging.getLogger("earthloom")

Number = TypeVar("Number", int, float)


def parse_numbers(option: str, text: str | None, kind: type[Number], count: int | None) -> tuple[Number, ...] | None:
    """Return the comma- or blank-separated numbers of an option.

    Raises:
        UsageError: If one is no number, or there are not `count`.
    """
    if text is None:
        return None
    try:
        numbers = tuple(kind(word) for word in text.replace(",", " ").split())
    except ValueError:
        raise UsageError(f"{option} {text!r} is no list of numbers; write e.g. {option} {_example(count)}") from None
    if not numbers or (count is not None and len(numbers) != count):
        wanted = "at least one number" if count is None else f"{count} numbers"
        raise UsageError(f"{option} {text!r} has {len(numbers)} numbers, want {wanted}")
    return numbers


def parse_zooms(text: str | None) -> tuple[int, int] | None:
    """Return the two ends of `13..17`, `17..13` or `15`.

    Raises:
        UsageError: If it is neither.
    """
    if text is None:
        return None
    first, _, last = text.partition("..")
    try:
        return int(first), int(last or first)
    except ValueError:
        raise UsageError(f"--zooms {text!r} is no range; write e.g. --zooms 13..17") from None


def open_imagery(image: Path, bidx: str | None, gsd: float | None, scale: str | None) -> "Imagery":
    """Inspect an image with the options that say how to read it.

    Raises:
        EarthloomError: If it cannot be read so.
    """
    from earthloom.io.inputs import inspect

    bands, ends = parse_reading(bidx, scale)
    imagery = inspect(image, bidx=bands, gsd_m=gsd, scale=ends)
    if gsd is not None and imagery.crs is not None:
        log.warning(f"--gsd {gsd:g} is left aside: {image} has a place, and pixels of {imagery.gsd_m:.3g} m")
    if imagery.lost_place:
        log.warning(f"{image} {imagery.lost_place}; now it is taken to have no place")
    return imagery


def parse_reading(bidx: str | None, scale: str | None) -> tuple[tuple[int, ...], tuple[float, float] | None]:
    """Return the bands to use, and the values that become black and white.

    Raises:
        UsageError: If they are no numbers.
    """
    bands, ends = parse_numbers("--bidx", bidx, int, None) or (), parse_numbers("--scale", scale, float, 2)
    return bands, None if ends is None else (ends[0], ends[1])


def parse_bounds(text: str | None) -> "Bounds | None":
    """Return left, bottom, right, top.

    Raises:
        UsageError: If they are not four numbers, or have no area between them.
    """
    edges = parse_numbers("--bounds", text, float, 4)
    if edges is None:
        return None
    left, bottom, right, top = edges
    if not (-inf < left < right < inf and -inf < bottom < top < inf):
        raise UsageError(f"--bounds {text!r} have no area: write left,bottom,right,top, left < right and bottom < top")
    return left, bottom, right, top


def _example(count: int | None) -> str:
    return ",".join(str(number) for number in range(1, (count or 3) + 1))


def num_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


Model = Annotated[str, typer.Option(help="Weights: a shipped name, a folder, or owner/name on the Hugging Face hub.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of everything drawn at random; 0 is a seed.")]
DeviceName = Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")]
PrecisionName = Annotated[str, typer.Option("--precision", help="auto (fp32 on CPU, bf16 on CUDA), fp32 or bf16.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an existing output.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with a stopped run; if there is none, begin.")]
Workers = Annotated[int | None, typer.Option("-j", "--workers", min=1, help="Windows at once; default: the cores.")]
Batch = Annotated[int, typer.Option(min=1, help="Windows a call on CUDA; the CPU always takes one.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no warnings.")]
Json = Annotated[bool, typer.Option("--json", help="Events as JSON lines on standard output.")]
Bidx = Annotated[str | None, typer.Option(help="Bands to use, e.g. 1,2,3.")]
BoundsText = Annotated[str | None, typer.Option("--bounds", help="left,bottom,right,top in the image's CRS.")]
Gsd = Annotated[float | None, typer.Option(help="Ground metres of an input pixel; needed only without georeference.")]
Scale = Annotated[str | None, typer.Option(help="LOW,HIGH of uint16 or float pixels: mapped to 0..255.")]
