"""The files beside an image that decide its pixels: masks, overviews, world files, a CRS."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

_REMARKS = {"PAMRasterBand", "Metadata", "Histograms"}


def sidecars(dataset: Any, path: Path) -> list[Path]:
    """Return the files beside an open image that decide its pixels or their place."""
    found = [Path(name) for name in sorted(dataset.files) if Path(name) != path]
    prj = prj_of(path)
    return [each for each in found if _decides(each)] + ([prj] if not dataset.crs and prj.is_file() else [])


def prj_of(path: Path) -> Path:
    """Return where the CRS of an image lies that says none itself."""
    return path.with_suffix(".prj")


def _decides(path: Path) -> bool:
    """Say whether a file decides anything; GDAL's notes do not if they hold statistics alone, as viewers leave them."""
    if not path.name.endswith(".aux.xml"):
        return True
    try:
        notes = ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, OSError):
        return True
    return any(each.tag not in _REMARKS for parent in (notes, *notes.findall("PAMRasterBand")) for each in parent)
