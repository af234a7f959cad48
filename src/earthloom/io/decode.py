"""From the bands of any image to weighted colours: masks, NaN, palettes and scales are settled here.

x_CHW is float32 `(4, height, width)`: red, green, blue in 0..255, each times the weight, then the weight in 0..1.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earthloom.errors import SourceError, UsageError

Floats = NDArray[np.float32]

VALID_WEIGHT = 0.499
"""A pixel is real from alpha 128 of 255 on; rounding noise at one half counts as real."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bands:
    """Which bands of an image make its colours, and how."""

    colours: tuple[int, ...]
    """Band numbers from 1: one (grey) or three (red, green, blue)."""

    scale: tuple[float, float] | None = None
    """Values that become 0 and 255; None keeps uint8 values."""

    palette: bytes | None = None
    """RGBA of every value, four bytes each; None if the values are the colours."""

    is_negative: bool = False
    """Whether the file says that its lowest value is white."""


def pick_bands(
    dataset: Any, bidx: tuple[int, ...] = (), scale: tuple[float, float] | None = None, *, name: str
) -> Bands:
    """Choose the colour bands of an open dataset.

    An alpha band is never a colour. One colour band gives grey, four give the first three. Values of fewer than 8 bits
    are stretched over all grey levels. Where the file says that its lowest value is white, so it is.

    Args:
        dataset: An open rasterio dataset.
        bidx: Band numbers from 1 to take instead of all.
        scale: Values that become 0 and 255; needed for anything but uint8.
        name: What errors call the image.

    Raises:
        SourceError: If there are no bands, two or too many, or values that need a scale.
    """
    if dataset.count == 0:
        raise SourceError(f"{name}: has no bands: give an image")
    _check_bidx(bidx, dataset.count, name)
    alpha = {i for i, meaning in enumerate(dataset.colorinterp, 1) if meaning.name == "alpha"}
    if wrong := alpha.intersection(bidx[:-1] if len(bidx) in (2, 4) else bidx):
        raise SourceError(f"{name}: band {min(wrong)} of --bidx is marked as alpha: unmark it if it is a colour")
    chosen = tuple(band for band in bidx or range(1, dataset.count + 1) if band not in alpha)
    if not bidx and dataset.count > 4:
        raise SourceError(f"{name}: has {dataset.count} bands: choose one or three with --bidx, e.g. --bidx 1,2,3")
    if not chosen:
        raise SourceError(f"{name}: band {', '.join(map(str, sorted(alpha)))} is alpha: choose colours with --bidx")
    if dataset.count - len(alpha) == 1 and dataset.colorinterp[chosen[0] - 1].name == "palette":
        if scale is not None:
            raise SourceError(f"{name}: has a palette of colours, which --scale does not fit: leave it out")
        return Bands(colours=chosen[:1], palette=_palette(dataset, chosen[0]))
    if len(chosen) == 2:
        raise SourceError(f"{name}: two bands make no colours: choose one with --bidx, e.g. --bidx {chosen[0]}")
    kinds = {np.dtype(dataset.dtypes[band - 1]) for band in chosen}
    if any(kind.kind == "c" for kind in kinds):
        raise SourceError(f"{name}: has complex values: convert them to amplitudes first")
    if scale is None and kinds != {np.dtype("uint8")}:
        found = ", ".join(sorted(map(str, kinds)))
        raise SourceError(f"{name}: has {found} values: say which become black and white with --scale LOW,HIGH")
    return Bands(
        colours=chosen[:3],
        scale=_few_bits(dataset, chosen[0]) if scale is None else scale,
        is_negative=dataset.tags(ns="IMAGE_STRUCTURE").get("MINISWHITE") == "YES",
    )


def weight(dataset: Any, bands: Bands, **options: Any) -> Floats:
    """Return how real each pixel is, 0..1: alpha, masks and nodata of the file, and NaN or infinity as nodata.

    Of several bands with nodata a pixel is missing only if all are.

    Args:
        dataset: An open rasterio dataset.
        bands: What to read of it.
        options: `window` or `out_shape`, as rasterio takes them.
    """
    return _weigh(dataset, bands, dataset.read(bands.colours, **options), options)


def decode(dataset: Any, bands: Bands, window: Any) -> Floats:
    """Read a window of a dataset as x_CHW: weighted colours and weight."""
    values = dataset.read(bands.colours, window=window)
    weight_HW = _weigh(dataset, bands, values, {"window": window})
    if bands.palette is not None:
        colours = _table(bands.palette)[:, _indices(bands.palette, values[0])][:3].astype(np.float32)
    elif bands.scale is not None:
        low, high = bands.scale
        with np.errstate(invalid="ignore", over="ignore"):
            colours = np.clip((values.astype(np.float64) - low) * (255 / (high - low)), 0, 255).astype(np.float32)
    else:
        colours = values.astype(np.float32)
    if bands.is_negative:
        colours = np.float32(255) - colours
    colours = np.where(weight_HW > 0, colours * weight_HW, np.float32(0))
    return np.concatenate([np.broadcast_to(colours, (3, *weight_HW.shape)), weight_HW[None]])


def encode(x_CHW: Floats) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Turn weighted colours into uint8 pixels, 0 where masked, and a mask."""
    mask = x_CHW[3] >= VALID_WEIGHT
    colours = x_CHW[:3] / np.where(mask, x_CHW[3], np.float32(1))
    pixels = np.clip(np.floor(colours + np.float32(0.5)), 0, 255).astype(np.uint8)
    return np.where(mask, pixels, np.uint8(0)), mask


def _weigh(dataset: Any, bands: Bands, values: NDArray[Any], options: dict[str, Any]) -> Floats:
    masks: NDArray[np.uint8] = dataset.read_masks(bands.colours, **options)
    result: Floats = masks.max(axis=0).astype(np.float32) / np.float32(255)
    if values.dtype.kind == "f":
        result[~np.isfinite(values).all(axis=0)] = 0
    if bands.palette is not None:
        result *= _table(bands.palette)[3, _indices(bands.palette, values[0])].astype(np.float32) / np.float32(255)
    return result


def _check_bidx(bidx: tuple[int, ...], count: int, name: str) -> None:
    if len(bidx) > 4:
        raise UsageError(f"--bidx {','.join(map(str, bidx))}: chooses {len(bidx)} bands: choose one or three")
    wrong = [band for band in bidx if not 1 <= band <= count]
    if wrong:
        raise SourceError(f"{name}: has no band {wrong[0]} that --bidx asks for: bands run 1..{count}")


def _few_bits(dataset: Any, band: int) -> tuple[float, float] | None:
    """Return the ends of a band whose values have fewer than 8 bits; None for all others."""
    bits = int(dataset.tags(band, ns="IMAGE_STRUCTURE").get("NBITS", 8))
    return (0, 2**bits - 1) if bits < 8 else None


def _palette(dataset: Any, band: int) -> bytes:
    """Return a colour table as bytes; values without an entry become transparent."""
    colours = dataset.colormap(band)
    return b"".join(bytes(colours.get(value, (0, 0, 0, 0))) for value in range(max(colours) + 1))


def _table(palette: bytes) -> NDArray[np.uint8]:
    """Return `(4, values + 1)` RGBA; the last column, transparent, stands for every value off the table."""
    table = np.frombuffer(palette + bytes(4), np.uint8)
    return table.reshape(-1, 4).T


def _indices(palette: bytes, values: NDArray[Any]) -> NDArray[np.intp]:
    indices: NDArray[np.intp] = np.minimum(values.astype(np.intp), len(palette) // 4)
    return indices
