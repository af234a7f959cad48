"""Tiled copies of slow images: the latest stay, older ones go and come back when asked for."""

from pathlib import Path

import numpy as np
import pytest
import rasterio

from earthloom.io import spool


def test_only_the_latest_copies_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "_MAX_COPIES", 2)
    monkeypatch.setattr(spool, "_copies", {})
    path = tmp_path / "image.tif"
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 1, "height": 20, "width": 30, "crs": "EPSG:3857"}
    with rasterio.open(path, "w", transform=rasterio.Affine(1, 0, 5, 0, -1, 5), **profile) as file:
        file.write(np.full((1, 20, 30), 7, np.uint8))
    with rasterio.open(path) as file:
        first, second = spool.tiled_copy(file, "spool-a"), spool.tiled_copy(file, "spool-b")
        spool.tiled_copy(file, "spool-a")  # used again, so not the oldest any more
        third = spool.tiled_copy(file, "spool-c")
        assert [each.exists() for each in (first, second, third)] == [True, False, True]
        assert spool.tiled_copy(file, "spool-b").exists()
