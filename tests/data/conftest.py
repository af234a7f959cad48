"""Miniatures of the packs: true layout and names, made-up pixels."""

import csv
from collections.abc import Callable, Iterable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import rasterio
from affine import Affine
from PIL import Image

from earthloom.data.synthetic import towns

Maker = Callable[[Path], Path]


def _index(folder: Path, rows: Iterable[dict[str, object]]) -> None:
    rows = list(rows)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "index.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _save(pixels: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def _dubai(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    rows = []
    for tile in (1, 2):
        for part in range(4):
            row, col = divmod(part, 2)
            width, height = 20 + col, 16 + row
            stem = f"tile{tile}/part{part + 1}"
            _save(rng.integers(0, 256, (height, width, 3), np.uint8), folder / f"{stem}.png")
            _save(np.full((height, width), part + 1, np.uint8), folder / f"{stem}_mask.png")
            where = {"x0": 20 * col, "y0": 16 * row, "width": width, "height": height}
            rows.append({"image": f"{stem}.png", "mask": f"{stem}_mask.png", "tile": tile, **where})
    _index(folder, rows)
    return folder


def _mass_roads(folder: Path) -> Path:
    rows = []
    for name in ("10978945_15", "17278960_15"):
        road, valid = np.zeros((30, 30), bool), np.zeros((30, 30), bool)
        road[:, 10:14], valid[:20] = True, True
        _save(np.full((30, 30, 3), 90, np.uint8), folder / f"images/{name}.jpg")
        _save(road, folder / f"roads/{name}.png")
        _save(valid, folder / f"valid/{name}.png")
        rows.append({key: f"{key}/{name}.png" for key in ("roads", "valid")} | {"image": f"images/{name}.jpg"})
    _index(folder, rows)
    return folder


def _oam(folder: Path) -> Path:
    rows = []
    for site, z, x, y in [
        ("nairobi", 19, 5, 7),
        ("zanzibar_a", 19, 8, 3),
        ("zanzibar_a", 19, 9, 4),
        ("nairobi", 20, 10, 14),
    ]:
        name = f"{site}_{z}_{x}_{y}"
        building, valid = np.zeros((256, 256), bool), np.ones((256, 256), bool)
        building[:64], valid[:, :100] = True, False
        _save(np.full((256, 256, 3), 10 * x, np.uint8), folder / f"images/{name}.png")
        _save(building, folder / f"masks/{name}.png")
        _save(valid, folder / f"valid/{name}.png")
        files = {"image": f"images/{name}.png", "mask": f"masks/{name}.png"}
        files["valid"] = f"valid/{name}.png" if x == 9 else ""
        rows.append(files | {"site": site, "z": z, "x": x, "y": y, "gsd": 0.297})
    _index(folder, rows)
    return folder


def _naip(folder: Path) -> Path:
    rows = []
    for name, place, split in [
        ("chico_2018_1", "chico_1", "train"),
        ("chico_2020_1", "chico_1", "train"),
        ("chico_2020_2", "chico_2", "val"),
    ]:
        label = np.zeros((32, 32), np.uint8)
        label[:8], label[8:16] = 1, 2
        _save(np.full((32, 32, 3), 120, np.uint8), folder / f"images/{name}.tif")
        _save(label, folder / f"vegetation/{name}.png")
        where = {"crs": "EPSG:26910", "left": 598000.4, "top": 4398000.8}
        rows.append({"file": f"images/{name}.tif", "place": place, "gsd": 0.6, "split": split} | where)
    _index(folder, rows)
    return folder


def _planet(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    rows = []
    for name in ("planes_scene_2", "planes_scene_3", "planes_scene_3b"):
        pixels = rng.integers(0, 250, (64, 64, 3), np.uint8)
        pixels[:, 50:], pixels[30:34, 10:14] = 255, 255  # a margin, and an aircraft
        _save(pixels, folder / f"scenes/{name}.png")
        rows.append({"file": f"scenes/{name}.png"})
    _index(folder, rows)
    for year, shift_m in ((2014, 0), (2020, 1)):
        transform = Affine(5, 0, 486000 + shift_m, 0, -5, 5210000)
        write_tiff(folder / f"naip5m/dakota_{year}.tif", rng.integers(1, 256, (64, 64, 3)), "EPSG:26914", transform)
    return folder


OSM_WAYS: dict[tuple[tuple[float, float], ...], dict[str, str]] = {
    ((-200, 0), (200, 0)): {"highway": "primary_link"},
    ((0, -200), (0, 200)): {"highway": "track"},
    ((20, 20), (20, 40), (40, 40), (40, 20), (20, 20)): {"building": "yes"},
    ((-90, 20), (-90, 80), (-40, 80), (-40, 20), (-90, 20)): {"landuse": "forest"},
    ((-90, -80), (-90, -20), (-40, -20), (-40, -80), (-90, -80)): {"natural": "water"},
    ((-200, 100), (200, 120)): {"waterway": "river"},
    ((-200, 130), (200, 150)): {"railway": "rail"},
    ((-200, -130), (200, -150)): {"highway": "footway"},
    ((60, -60), (60, -90)): {"power": "line"},
}
"""A town: metres east and north of 10 E, 0 N, with tags."""


def write_osm(folder: Path) -> Path:
    """Write an extract `mini.osm`."""
    degree_m = 111_320.0
    nodes = sorted({point for points in OSM_WAYS for point in points})
    root = ElementTree.Element("osm", version="0.6")
    for number, (east, north) in enumerate(nodes, 1):
        where = {"lon": str(10 + east / degree_m), "lat": str(north / degree_m)}
        ElementTree.SubElement(root, "node", id=str(number), version="1", **where)
    for number, (points, tags) in enumerate(OSM_WAYS.items(), 1):
        way = ElementTree.SubElement(root, "way", id=str(number), version="1")
        for point in points:
            ElementTree.SubElement(way, "nd", ref=str(nodes.index(point) + 1))
        for key, value in tags.items():
            ElementTree.SubElement(way, "tag", k=key, v=value)
    folder.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(root).write(folder / "mini.osm")
    return folder


def write_tiff(path: Path, rgb_HW3: np.ndarray, crs: str, transform: Affine) -> None:
    """Write a GeoTIFF; black is nodata."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width, _ = rgb_HW3.shape
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 3, "width": width, "height": height, "nodata": 0}
    with rasterio.open(path, "w", crs=crs, transform=transform, **profile) as file:
        file.write(np.moveaxis(rgb_HW3, -1, 0).astype(np.uint8))


@pytest.fixture
def tiff() -> Callable[..., None]:
    return write_tiff


@pytest.fixture
def packs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    monkeypatch.setattr(towns, "SCENES", {"train": 2, "val": 1})
    monkeypatch.setattr(towns, "SIDE_PX", 128)
    makers: dict[str, Maker] = {
        "dubai": _dubai,
        "mass_roads": _mass_roads,
        "oam": _oam,
        "naip": _naip,
        "planet": _planet,
        "naip5m": _planet,
        "towns": write_osm,
    }
    return {name: make(tmp_path / "packs" / name) for name, make in makers.items()}
