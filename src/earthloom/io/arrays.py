"""Pictures in memory as image files: numpy arrays, PIL images and xarray.DataArrays, with or without a place."""

from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from PIL import Image

from earthloom.errors import SourceError
from earthloom.io.gdal import gdal, open_dataset

CHANNELS = (1, 2, 3, 4)
_PLAIN_MODES = ("L", "LA", "RGB", "RGBA", "I", "I;16", "F")


def save_array(image: Any, path: Path, *, transform: Affine | None = None, crs: str | None = None) -> Path:
    """Write a picture as a GeoTIFF without loss.

    Args:
        image: `(H, W)`, `(H, W, C)` or a masked array of either with 1 to 4 channels last; a PIL image; or a
            DataArray with dimensions y, x and perhaps band, whose place is read from its coordinates as rioxarray
            writes them (`spatial_ref`). A second or fourth channel is alpha, of a DataArray only if its band says so.
        path: Where to write.
        transform: (col, row) of pixel corners to CRS units; None if the picture has no place.
        crs: Of the transform, anything rasterio understands.

    Returns:
        The path.

    Raises:
        SourceError: If it is no picture, or has only half a place.
    """
    has_alpha = True
    if hasattr(image, "dims") and hasattr(image, "coords"):
        has_alpha = "alpha" in np.atleast_1d(image.coords["band"].values) if "band" in image.coords else False
        image, transform, crs = _of_xarray(image, transform, crs)
    elif isinstance(image, Image.Image) and image.mode not in _PLAIN_MODES:
        image = image.convert("RGBA")
    if (transform is None) != (crs is None):
        given, missing = ("crs", "transform") if transform is None else ("transform", "crs")
        raise SourceError(
            f"an array with {given}= but without {missing}=: give both, or gsd_m= for one without a place"
        )
    mask = np.ma.getmaskarray(image) if isinstance(image, np.ma.MaskedArray) else None
    pixels = np.asarray(image)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim != 3 or pixels.shape[2] not in CHANNELS or 0 in pixels.shape or pixels.dtype.kind not in "uif":
        raise SourceError(f"{pixels.dtype} {pixels.shape}: is no picture: give numbers (H, W) or (H, W, 1 to 4)")
    place = {} if transform is None else {"transform": transform, "crs": crs}
    _write(pixels, path, place, mask, has_alpha=has_alpha and pixels.shape[2] in (2, 4))
    return path


def _write(
    pixels: NDArray[Any], path: Path, place: dict[str, Any], mask: NDArray[np.bool_] | None, *, has_alpha: bool
) -> None:
    height, width, count = pixels.shape
    shape = {"height": height, "width": width, "count": count, "dtype": pixels.dtype}
    colours = {"photometric": "RGB" if count >= 3 else "MINISBLACK", "tiled": True, "compress": "LZW"}
    if count in (2, 4):
        colours["alpha"] = "YES" if has_alpha else "UNSPECIFIED"
    with gdal(), open_dataset(path, "w", driver="GTiff", **shape, **colours, **place) as file:
        file.write(pixels.transpose(2, 0, 1))
        if mask is not None:
            file.write_mask(~mask.reshape(height, width, -1).any(axis=2))


def _of_xarray(image: Any, transform: Affine | None, crs: str | None) -> tuple[Any, Affine | None, str | None]:
    """Return channels last, transform and CRS."""
    names = [str(name) for name in image.dims]
    if not {"y", "x"} <= set(names) or len(names) - 2 not in (0, 1):
        raise SourceError(f"a DataArray with dimensions {names}: want y, x and perhaps a band")
    place = image.coords["spatial_ref"].attrs if "spatial_ref" in image.coords else {}
    ordered = image.transpose("y", "x", *(name for name in image.dims if str(name) not in ("y", "x")))
    if transform is None and place:
        crs = crs or place.get("crs_wkt")
        transform = _transform(image, place)
    return ordered.values, transform, crs


def _transform(image: Any, place: dict[str, Any]) -> Affine:
    """Return the affine that `GeoTransform` states, else the one of evenly spaced pixel centres."""
    if "GeoTransform" in place:
        return Affine.from_gdal(*(float(number) for number in place["GeoTransform"].split()))
    steps = []
    for axis in ("x", "y"):
        centres = np.asarray(image.coords[axis].values, float) if axis in image.coords else np.empty(0)
        if len(centres) < 2 or not np.allclose(np.diff(centres), centres[1] - centres[0]):
            raise SourceError(f"a DataArray whose {axis} is not evenly spaced: give transform= and crs=")
        steps.append((float(centres[0]), float(centres[-1] - centres[0]) / (len(centres) - 1)))
    (x, dx), (y, dy) = steps
    return Affine(dx, 0.0, x - dx / 2, 0.0, dy, y - dy / 2)
