"""An identity source through every sink comes back as it was, in the right place, and nothing half-made is left."""

import errno
import hashlib
import io
import json
import os
import shutil
import sqlite3
from collections import namedtuple
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import morecantile
import numpy as np
import pytest
import rasterio
from affine import Affine
from numpy.typing import NDArray
from PIL import Image
from pmtiles.reader import MmapSource, Reader, all_tiles
from rasterio.errors import NotGeoreferencedWarning
from rio_cogeo.cogeo import cog_validate

from earthloom.errors import GeoError, SinkError, UsageError
from earthloom.geo.grid import Grid
from earthloom.geo.tiles import web_mercator_grid
from earthloom.geo.windows import Window
from earthloom.io.inputs import inspect
from earthloom.io.raster import Raster
from earthloom.io.sinks import Level, check_output, count_steps, outputs, write
from earthloom.io.staging import staged

TAGS = {"SYNTHETIC": "true", "EARTHLOOM_MODEL": "none", "EARTHLOOM_PARAMETERS": '{"zooms": [13, 14]}'}
PLACE = Window(6187000, 3523000, 700, 530)
EVERY = ["map.tif", "map.png", "map.pmtiles", "map.mbtiles", "map"]
QUAD = morecantile.tms.get("WebMercatorQuad")


@pytest.fixture
def levels(kit: SimpleNamespace) -> list[Level]:
    """Two zooms of ragged ground, 700 x 530 px and half of that."""
    return [
        Level(zoom, kit.known(web_mercator_grid(zoom), place), place)
        for zoom, place in ((14, PLACE), (13, PLACE.scaled(Fraction(1, 2))))
    ]


def save(path: Path, levels: list[Level], *, overwrite: bool = False) -> list[Path]:
    return write(path, levels, tags=TAGS, overwrite=overwrite)


def rgba(level: Level) -> NDArray[np.uint8]:
    raster = level.source.read(level.window)
    return np.concatenate([raster.pixels, raster.mask[None] * np.uint8(255)])


def test_cog_is_valid_and_equals_its_source(tmp_path: Path, levels: list[Level]) -> None:
    paths = save(tmp_path / "map.tif", levels)
    assert [path.name for path in paths] == ["map.tif", "map_z13.tif"]
    for path, level in zip(paths, levels, strict=True):
        valid, errors, warnings = cog_validate(path, strict=True, quiet=True)
        assert (valid, errors, warnings) == (True, [], [])
        with rasterio.open(path) as file:
            np.testing.assert_array_equal(np.concatenate([file.read(), file.dataset_mask()[None]]), rgba(level))
            assert file.crs == "EPSG:3857"
            assert file.transform.almost_equals(level.source.grid.transform_of(level.window), 1e-6)
            assert file.compression.name == "deflate"
            assert file.block_shapes == [(512, 512)] * 3
            assert TAGS.items() <= file.tags().items()
        with rasterio.open(path) as file:
            assert rasterio.enums.MaskFlags.per_dataset in file.mask_flag_enums[0]


def test_overviews_of_a_map_hold_only_its_colours(tmp_path: Path, levels: list[Level]) -> None:
    (path, _) = save(tmp_path / "map.tif", levels)
    with rasterio.open(path, overview_level=0) as half:
        pixels = np.concatenate([half.read(), half.dataset_mask()[None]])
    assert set(packed(pixels)) <= set(packed(rgba(levels[0])))


def packed(pixels: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Return the different colours as numbers."""
    return np.unique(np.ascontiguousarray(pixels.reshape(4, -1).T).view(np.uint32))


def test_a_cog_survives_the_round_trip_through_the_reader(tmp_path: Path, levels: list[Level]) -> None:
    (path, _) = save(tmp_path / "map.tif", levels)
    source = inspect(path).on(web_mercator_grid(14))
    assert source.grid.extent == PLACE
    expected = levels[0].source.read(PLACE)
    again = source.read(PLACE)
    np.testing.assert_array_equal(again.mask, expected.mask)
    np.testing.assert_array_equal(again.pixels, expected.pixels)


def test_png_keeps_pixels_mask_tags_and_place(tmp_path: Path, levels: list[Level]) -> None:
    paths = save(tmp_path / "map.png", levels)
    for path, level in zip(paths, levels, strict=True):
        with Image.open(path) as image:
            np.testing.assert_array_equal(np.asarray(image).transpose(2, 0, 1), rgba(level))
            assert image.mode == "RGBA"
            assert TAGS.items() <= image.text.items()
        imagery = inspect(path)
        assert imagery.crs == "EPSG:3857"
        assert imagery.transform.almost_equals(level.source.grid.transform_of(level.window), 1e-6)
        a, d, b, e, x, y = map(float, path.with_suffix(".pgw").read_text().split())
        assert Affine(a, b, x, d, e, y).almost_equals(imagery.transform @ Affine.translation(0.5, 0.5), 1e-6)


def test_a_plain_image_gives_a_plain_png(tmp_path: Path, kit: SimpleNamespace) -> None:
    place = Window(0, 0, 37, 23)
    source = kit.known(Grid(crs=None, transform=Affine.scale(0.5)), place, holes=False)
    assert save(tmp_path / "map.png", [Level(None, source, place)]) == [tmp_path / "map.png"]
    assert [path.name for path in tmp_path.iterdir()] == ["map.png"]
    with Image.open(tmp_path / "map.png") as image:
        assert image.mode == "RGB"
        np.testing.assert_array_equal(np.asarray(image).transpose(2, 0, 1), source.read(place).pixels)
    save(tmp_path / "map.tif", [Level(None, source, place)])
    with pytest.warns(NotGeoreferencedWarning):
        file = rasterio.open(tmp_path / "map.tif")
    np.testing.assert_array_equal(file.read(), source.read(place).pixels)
    assert file.crs is None
    file.close()
    for name in ("map.pmtiles", "map.mbtiles", "map"):
        with pytest.raises(UsageError, match=r"tiles need a place on Earth: .*\.png or \.tif"):
            save(tmp_path / name, [Level(None, source, place)])


def tiles_of_mbtiles(path: Path) -> dict[tuple[int, int, int], bytes]:
    with sqlite3.connect(path) as database:
        rows = database.execute("SELECT zoom_level, tile_column, tile_row, tile_data FROM tiles").fetchall()
    database.close()
    return {(z, x, 2**z - 1 - row): data for z, x, row, data in rows}


def tiles_of_pmtiles(path: Path) -> dict[tuple[int, int, int], bytes]:
    with path.open("rb") as file:
        return dict(all_tiles(MmapSource(file)))


def tiles_of_folder(path: Path) -> dict[tuple[int, int, int], bytes]:
    return {tuple(map(int, p.with_suffix("").parts[-3:])): p.read_bytes() for p in path.glob("*/*/*.png")}


READERS: dict[str, Callable[[Path], dict[tuple[int, int, int], bytes]]] = {
    "map.pmtiles": tiles_of_pmtiles,
    "map.mbtiles": tiles_of_mbtiles,
    "map": tiles_of_folder,
}


@pytest.mark.parametrize("name", READERS)
def test_tiles_lie_on_the_right_ground(tmp_path: Path, levels: list[Level], name: str) -> None:
    assert save(tmp_path / name, levels) == [tmp_path / name]
    tiles = READERS[name](tmp_path / name)
    assert {z for z, _, _ in tiles} == {13, 14}
    for level in levels:
        transform = level.source.grid.transform
        seen = 0
        for (z, x, y), data in tiles.items():
            if z != level.zoom:
                continue
            left, _, _, top = QUAD.xy_bounds(morecantile.Tile(x, y, z))
            col, row = ~transform @ (left, top)
            assert (round(col), round(row)) == pytest.approx((col, row), abs=0.01)
            window = Window(round(col), round(row), 512, 512)
            part = window.intersection(level.window)
            expected = np.zeros((4, 512, 512), np.uint8)
            rows, cols = part.slices_in(window)
            expected[:, rows, cols] = rgba(Level(z, level.source, part))
            with Image.open(io.BytesIO(data)) as image:
                np.testing.assert_array_equal(np.asarray(image).transpose(2, 0, 1), expected)
            seen += int((expected[3] > 0).sum())
        assert seen == (rgba(level)[3] > 0).sum()


def test_empty_tiles_are_left_out(tmp_path: Path, kit: SimpleNamespace) -> None:
    source = kit.known(web_mercator_grid(14), Window(512 * 9000, 512 * 5000, 300, 300))
    level = Level(14, source, Window(512 * 8998, 512 * 4999, 512 * 5, 512 * 3))
    save(tmp_path / "map", [level])
    assert list(tiles_of_folder(tmp_path / "map")) == [(14, 9000, 5000)]
    nothing = Level(14, source, Window(0, 0, 600, 600))
    for name in READERS:
        with pytest.raises(SinkError, match="no valid pixel"):
            save(tmp_path / f"empty{Path(name).suffix}", [nothing])


def test_pmtiles_header_and_metadata(tmp_path: Path, levels: list[Level]) -> None:
    save(tmp_path / "map.pmtiles", levels)
    with (tmp_path / "map.pmtiles").open("rb") as file:
        reader = Reader(MmapSource(file))
        header, metadata = reader.header(), reader.metadata()
    assert header["version"] == 3
    assert header["clustered"]
    assert (header["min_zoom"], header["max_zoom"], header["center_zoom"]) == (13, 14, 13)
    assert header["tile_type"].name == "PNG"
    assert metadata["tileSize"] == 512
    assert TAGS.items() <= metadata.items()
    left, bottom, right, top = levels[0].source.grid.bounds_of(PLACE)
    west, north = QUAD.lnglat(left, top)
    east, south = QUAD.lnglat(right, bottom)
    found = [header[f"{key}_e7"] / 1e7 for key in ("min_lon", "min_lat", "max_lon", "max_lat")]
    assert found == pytest.approx([west, south, east, north], abs=1e-6)


def test_mbtiles_metadata_is_what_the_specification_asks(tmp_path: Path, levels: list[Level]) -> None:
    save(tmp_path / "map.mbtiles", levels)
    with sqlite3.connect(tmp_path / "map.mbtiles") as database:
        metadata = dict(database.execute("SELECT name, value FROM metadata"))
        (journal,) = database.execute("PRAGMA journal_mode").fetchone()
        (check,) = database.execute("PRAGMA integrity_check").fetchone()
    database.close()
    assert (metadata["format"], metadata["minzoom"], metadata["maxzoom"]) == ("png", "13", "14")
    assert {"name", "bounds", "center"} <= metadata.keys()
    assert TAGS.items() <= metadata.items()
    assert (journal, check) == ("delete", "ok")


def test_gdal_reads_the_mbtiles(tmp_path: Path, kit: SimpleNamespace) -> None:
    place = Window(512 * 12083, 512 * 6881, 1024, 512)
    level = Level(14, kit.known(web_mercator_grid(14), place), place)
    save(tmp_path / "map.mbtiles", [level])
    with rasterio.open(tmp_path / "map.mbtiles") as file:
        left, _, _, top = level.source.grid.bounds_of(place)
        col, row = ~file.transform @ (left, top)
        assert (col, row) == pytest.approx((round(col), round(row)), abs=0.5)


def test_a_folder_tells_its_structure(tmp_path: Path, levels: list[Level]) -> None:
    save(tmp_path / "map", levels)
    metadata = json.loads((tmp_path / "map/metadata.json").read_text())
    assert (metadata["minzoom"], metadata["maxzoom"], metadata["tileSize"]) == (13, 14, 512)
    assert TAGS.items() <= metadata.items()


def test_imagery_tiles_are_webp(tmp_path: Path, levels: list[Level]) -> None:
    write(tmp_path / "map", levels, tags=TAGS, overwrite=False, lossless=False)
    path = next((tmp_path / "map").glob("14/*/*.webp"))
    with Image.open(path) as image:
        assert (image.format, image.mode, image.size) == ("WEBP", "RGBA", (512, 512))


def test_tiles_of_another_grid_are_refused(tmp_path: Path, kit: SimpleNamespace) -> None:
    place = Window(0, 0, 30, 30)
    for grid in (Grid(crs="EPSG:32645", transform=Affine(1, 0, 9, 0, -1, 9)), web_mercator_grid(13)):
        with pytest.raises(UsageError, match="need its Web Mercator grid"):
            save(tmp_path / "map.pmtiles", [Level(14, kit.known(grid, place), place)])


def everything(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("name", EVERY)
def test_two_writes_give_equal_bytes_and_progress_is_told(tmp_path: Path, levels: list[Level], name: str) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        told: list[int] = []
        write(tmp_path / folder / name, levels, tags=TAGS, overwrite=False, advance=told.append)
        assert sum(told) == count_steps(tmp_path / folder / name, levels)
    assert everything(tmp_path / "a") == everything(tmp_path / "b")
    save(tmp_path / "a" / name, levels, overwrite=True)
    assert everything(tmp_path / "a") == everything(tmp_path / "b")


@dataclass(frozen=True)
class Breaking:
    """A source that fails after some reads."""

    source: Any
    error: BaseException
    reads: list[int]
    bands: int = 3
    dtype: str = "uint8"
    identity: str = "breaking"

    @property
    def grid(self) -> Grid:
        grid: Grid = self.source.grid
        return grid

    def read(self, window: Window) -> Raster:
        self.reads.append(1)
        if len(self.reads) > 2:
            raise self.error
        raster: Raster = self.source.read(window)
        return raster


@pytest.mark.parametrize("error", [KeyboardInterrupt(), GeoError("lost"), OSError(errno.ENOSPC, "No space left")])
@pytest.mark.parametrize("name", EVERY)
def test_a_failure_leaves_the_old_output_and_nothing_else(
    tmp_path: Path, levels: list[Level], name: str, error: BaseException
) -> None:
    save(tmp_path / name, levels)
    before = everything(tmp_path)
    broken = [Level(level.zoom, Breaking(level.source, error, []), level.window) for level in levels]
    with pytest.raises(SinkError if isinstance(error, OSError) else type(error)) as caught:
        save(tmp_path / name, broken, overwrite=True)
    if isinstance(error, OSError):
        assert f"{tmp_path / name}: no space left" in str(caught.value)
    assert everything(tmp_path) == before
    assert not any(path.name.startswith(".") for path in tmp_path.iterdir())


@pytest.mark.parametrize("name", EVERY)
def test_a_full_disk_is_named(
    tmp_path: Path, levels: list[Level], name: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    usage = namedtuple("usage", "total used free")
    free: Iterator[int] = iter([1 << 30, 1 << 30])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, next(free, 0)))
    with pytest.raises(SinkError, match="no space left to write it"):
        save(tmp_path / name, levels)
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr().err == ""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a limit on file size")
@pytest.mark.parametrize("name", EVERY)
def test_a_write_that_fails_is_never_silent(tmp_path: Path, levels: list[Level], name: str) -> None:
    import resource
    import signal

    old_signal = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    old_limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, old_limits[1]))
    try:
        with pytest.raises(SinkError, match=f"{name}: (no space left|cannot be written)"):
            save(tmp_path / name, levels)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old_limits)
        signal.signal(signal.SIGXFSZ, old_signal)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_swept(tmp_path: Path, levels: list[Level]) -> None:
    (tmp_path / ".map.pmtiles.writing").mkdir()
    (tmp_path / ".map.pmtiles.writing/half").write_bytes(b"half")
    save(tmp_path / "map.pmtiles", levels)
    assert [path.name for path in tmp_path.iterdir()] == ["map.pmtiles"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("map.gif", r"unknown suffix '\.gif': give \.tif, \.png, \.pmtiles, \.mbtiles"),
        ("nowhere/map.tif", "there is no folder .*nowhere: make it first"),
        (".PNG", r"\.PNG: is no name for an output"),
        ("old.tif", r"old\.tif: exists: .*--overwrite"),
        ("new.tif", r"new_z13\.tif: exists: .*--overwrite"),
        ("folder", "folder: exists: .*--overwrite"),
        ("town.tif", r"town\.tif\.stac\.json: is there without town\.tif: move it, or .*--overwrite"),
        (f"{'a' * 240}.tif", r"a\.tif: its name is too long: want at most 241 bytes"),
        ("town.png", r"town\.pgw: is there without town\.png"),
    ],
)
def test_outputs_refused_before_any_work(tmp_path: Path, name: str, words: str) -> None:
    for file in ("old.tif", "new_z13.tif", "town.tif.stac.json", "town.pgw"):
        (tmp_path / file).write_bytes(b"old")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match=words) as error:
        check_output(tmp_path / name, overwrite=False, zooms=(14, 13))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("suffix", [".tif", ".png", ".pmtiles", ""])
def test_the_longest_name_can_be_written(tmp_path: Path, levels: list[Level], suffix: str) -> None:
    (made,) = save(tmp_path / f"{'a' * (241 - len(suffix))}{suffix}", levels[:1])
    assert len(made.name) == 241
    if suffix in (".tif", ".png"):
        with pytest.raises(UsageError, match="_z13.*: its name is too long"):
            check_output(tmp_path / f"{'b' * (241 - len(suffix))}{suffix}", overwrite=False, zooms=(14, 13))


@pytest.mark.parametrize("name", ["old.tif", "old.png"])
def test_parts_of_an_old_output_go_with_it(
    tmp_path: Path, levels: list[Level], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = [tmp_path / f"{name}{suffix}" for suffix in (".ovr", ".msk")]
    stale += [tmp_path / "old.pgw"] if name == "old.png" else []
    for part in stale:
        part.write_bytes(b"of an old picture")
        with pytest.raises(UsageError, match=f"{part.name}: is there without {name}"):
            check_output(tmp_path / name, overwrite=False)
        part.rename(part.with_suffix(".kept"))
    for part in stale:
        part.write_bytes(b"of an old picture")
    with monkeypatch.context() as patch, pytest.raises(SinkError, match="cannot be written: no more"):
        patch.setattr("os.replace", Mock(side_effect=OSError("no more")))
        save(tmp_path / name, levels[:1], overwrite=True)
    assert all(part.read_bytes() == b"of an old picture" for part in stale)
    (tmp_path / "old.wld").write_bytes(b"of another picture")
    save(tmp_path / name, levels[:1], overwrite=True)
    assert not any(part.exists() and part.read_bytes() == b"of an old picture" for part in stale)
    assert (tmp_path / "old.wld").exists()


def test_two_runs_never_write_one_output(tmp_path: Path, levels: list[Level]) -> None:
    with staged(tmp_path / "map.tif") as stage:
        (stage / "map.tif").write_bytes(b"half")
        with pytest.raises(SinkError, match="map.tif: cannot be written: another run is writing it"):
            save(tmp_path / "map.tif", levels[:1])
        assert (stage / "map.tif").read_bytes() == b"half"
    save(tmp_path / "map.tif", levels[:1], overwrite=True)


def test_a_link_where_an_output_is_made_is_not_followed(tmp_path: Path, levels: list[Level]) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home/thesis.txt").write_text("years of work")
    (tmp_path / ".map.tif.writing").symlink_to(tmp_path / "home", target_is_directory=True)
    with pytest.raises(SinkError, match=".map.tif.writing is a link: remove it"):
        save(tmp_path / "map.tif", levels[:1])
    (tmp_path / ".map.tif.writing").unlink()
    (tmp_path / ".map.tif.writing").mkdir()
    (tmp_path / ".map.tif.writing/home").symlink_to(tmp_path / "home", target_is_directory=True)
    save(tmp_path / "map.tif", levels[:1])
    assert (tmp_path / "home/thesis.txt").exists()


def test_an_output_never_replaces_its_image(tmp_path: Path) -> None:
    (tmp_path / "town_z16.tif").touch()
    with pytest.raises(UsageError, match="town_z16.tif: would replace the image itself"):
        check_output(tmp_path / "town.tif", overwrite=True, zooms=(17, 16), source=tmp_path / "town_z16.tif")
    (tmp_path / "dangling.tif").symlink_to(tmp_path / "nowhere.tif")
    with pytest.raises(UsageError, match="dangling.tif: exists"):
        check_output(tmp_path / "dangling.tif", overwrite=False)


def test_overwrite_never_deletes_what_is_not_an_output(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    check_output(tmp_path / "folder", overwrite=True)
    (tmp_path / "folder/thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="a folder with other things in it"):
        check_output(tmp_path / "folder", overwrite=True)
    (tmp_path / "dir.tif").mkdir()
    with pytest.raises(UsageError, match="is a folder"):
        check_output(tmp_path / "dir.tif", overwrite=True)
    (tmp_path / "file").write_text("text")
    with pytest.raises(UsageError, match="is a file"):
        check_output(tmp_path / "file", overwrite=True)
    for nameless in ("/", "..", "."):
        with pytest.raises(UsageError):
            check_output(nameless, overwrite=True)


def test_names_of_outputs() -> None:
    assert outputs(Path("a/map.TIF"), [17, 16]) == [Path("a/map.TIF"), Path("a/map_z16.TIF")]
    assert outputs(Path("map.pmtiles"), [17, 16]) == [Path("map.pmtiles")]
