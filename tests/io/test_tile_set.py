"""Tiles as imagery: what a sink wrote comes back as it was, and broken archives are refused with a reason."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from pmtiles.tile import Entry, TileType, deserialize_header, serialize_directory, serialize_header

from earthloom.errors import SourceError, UsageError
from earthloom.geo.tiles import web_mercator_grid
from earthloom.geo.windows import Window
from earthloom.io.imagery import Imagery
from earthloom.io.inputs import inspect
from earthloom.io.raster import Raster
from earthloom.io.sinks import Level, write
from earthloom.io.tile_set import TileSet

PLACE = Window(6187000, 3523000, 700, 530)
ARCHIVES = ["map.pmtiles", "map.mbtiles", "map"]


@pytest.fixture
def archive(kit: SimpleNamespace, tmp_path: Path) -> Callable[..., Path]:
    """Write zooms 14 and 13 of ragged ground, which do not resemble each other."""

    def make(name: str, *, lossless: bool = True) -> Path:
        levels = [
            Level(zoom, kit.known(web_mercator_grid(zoom), place), place)
            for zoom, place in ((14, PLACE), (13, PLACE.scaled(Fraction(1, 2))))
        ]
        write(tmp_path / name, levels, tags={}, overwrite=False, lossless=lossless)
        return tmp_path / name

    return make


def read(imagery: Imagery, zoom: int, window: Window) -> Raster:
    return imagery.on(web_mercator_grid(zoom)).read(window)


@pytest.mark.parametrize("name", [*ARCHIVES, "map.tif"])
def test_what_a_sink_wrote_comes_back_pixel_for_pixel(
    kit: SimpleNamespace, archive: Callable[..., Path], name: str
) -> None:
    imagery = inspect(archive(name))
    around = PLACE.pad(90)
    expected = kit.known(web_mercator_grid(14), PLACE).read(around)
    found = read(imagery, 14, around)
    assert np.array_equal(found.mask, expected.mask)
    assert np.array_equal(found.pixels, np.where(expected.mask, expected.pixels, 0))


@pytest.mark.parametrize("name", ARCHIVES)
def test_every_zoom_gives_its_own_pixels(kit: SimpleNamespace, archive: Callable[..., Path], name: str) -> None:
    imagery = inspect(archive(name))
    assert isinstance(imagery, TileSet)
    half = PLACE.scaled(Fraction(1, 2))
    expected = kit.known(web_mercator_grid(13), half).read(half)
    found = read(imagery, 13, half)
    assert np.array_equal(found.mask, expected.mask)
    assert np.array_equal(found.pixels, np.where(expected.mask, expected.pixels, 0))


@pytest.mark.parametrize("name", ARCHIVES)
def test_other_grids_see_what_they_see_of_the_same_image(archive: Callable[..., Path], name: str) -> None:
    tiles, image = inspect(archive(name)), inspect(archive("map.tif"))
    for zoom, window in ((15, PLACE.scaled(2)), (16, Window(4 * PLACE.col + 900, 4 * PLACE.row + 700, 300, 200))):
        found, expected = read(tiles, zoom, window), read(image, zoom, window)
        assert np.array_equal(found.mask, expected.mask)
        assert np.abs(found.pixels.astype(int) - expected.pixels).max() <= 1


def test_any_window_equals_a_part_of_a_larger_one(archive: Callable[..., Path]) -> None:
    imagery = inspect(archive("map.mbtiles"))
    whole = PLACE.scaled(2)
    everything = read(imagery, 15, whole)
    for part in (Window(whole.col + 500, whole.row + 333, 77, 200), Window(whole.col, whole.row, 1, 1)):
        piece = everything.crop(part, whole)
        again = read(inspect(imagery.path), 15, part)
        assert np.array_equal(again.pixels, piece.pixels)
        assert np.array_equal(again.mask, piece.mask)


def test_smaller_tiles_lie_where_they_belong(tmp_path: Path) -> None:
    for x, y, grey in ((5, 9, 40), (6, 9, 80), (5, 10, 120)):
        path = tmp_path / f"tiles/4/{x}/{y}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (256, 256), grey).save(path, quality=100)
    (tmp_path / "tiles/readme.txt").write_text("not a tile")
    imagery = inspect(tmp_path / "tiles")
    around = read(imagery, 3, Window(5 * 256 - 1, 9 * 256 - 1, 514, 514))
    assert [around.mask[0, 5], around.mask[5, 0], around.mask[1, 1], around.mask[300, 300]] == [
        False,
        False,
        True,
        False,
    ]
    assert [around.pixels[0, 100, 100], around.pixels[0, 100, 400], around.pixels[0, 400, 100]] == [40, 80, 120]


def test_rows_may_count_from_the_south(tmp_path: Path) -> None:
    (tmp_path / "tiles/1/0").mkdir(parents=True)
    Image.new("RGB", (512, 512), (9, 9, 9)).save(tmp_path / "tiles/1/0/0.png")
    assert inspect(tmp_path / "tiles").bounds[3] > 1e6
    (tmp_path / "tiles/metadata.json").write_text(json.dumps({"scheme": "tms"}))
    assert inspect(tmp_path / "tiles").bounds[1] < -1e6


def test_a_missing_tile_is_masked_and_an_archive_has_one_identity(archive: Callable[..., Path]) -> None:
    folder = archive("map")
    whole = inspect(folder)
    assert inspect(folder).identity == whole.identity
    gone = min(folder.glob("14/*/*.png"))
    x, y = int(gone.parent.name), int(gone.stem)
    gone.unlink()
    imagery = inspect(folder)
    assert imagery.identity != whole.identity
    assert not read(imagery, 14, Window(x * 512, y * 512, 512, 512)).mask.any()
    assert read(imagery, 14, PLACE).mask.any()


def test_imagery_tiles_are_close_to_what_was_written(kit: SimpleNamespace, archive: Callable[..., Path]) -> None:
    found = read(inspect(archive("map.pmtiles", lossless=False)), 14, PLACE)
    expected = kit.known(web_mercator_grid(14), PLACE).read(PLACE)
    assert np.array_equal(found.mask, expected.mask)


def mbtiles(path: Path, *rows: tuple[object, ...], table: str = "tiles") -> Path:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(f"CREATE TABLE {table} (zoom_level, tile_column, tile_row, tile_data)")
        database.executemany(f"INSERT INTO {table} VALUES (?, ?, ?, ?)", rows)
    return path


def circular(path: Path, whole: Path) -> Path:
    """Let the only directory entry be a leaf that is the directory itself."""
    length = 0
    for _ in range(9):
        directory = serialize_directory([Entry(0, 0, length, 0)])
        length = len(directory)
    with whole.open("rb") as file:
        header = deserialize_header(file.read(127))
    header |= {"root_offset": 127, "root_length": length, "leaf_directory_offset": 127}
    header |= {"leaf_directory_length": length, "metadata_offset": 127, "tile_data_offset": 127, "tile_data_length": 0}
    path.write_bytes(serialize_header(header) + directory + bytes(header["metadata_length"]))
    return path


def with_header(path: Path, whole: Path, **changes: object) -> Path:
    data = whole.read_bytes()
    path.write_bytes(serialize_header(deserialize_header(data[:127]) | changes) + data[127:])
    return path


def test_broken_archives_are_refused_with_a_reason(archive: Callable[..., Path], tmp_path: Path) -> None:
    pmtiles, folder = archive("map.pmtiles"), archive("map")
    data = pmtiles.read_bytes()
    header = deserialize_header(data[:127])
    broken = bytearray(data)
    broken[header["root_offset"] : header["root_offset"] + 12] = bytes(12)
    (tmp_path / "directory.pmtiles").write_bytes(broken)
    (tmp_path / "short.pmtiles").write_bytes(data[: len(data) // 2])
    (tmp_path / "head.pmtiles").write_bytes(data[:60])
    (tmp_path / "empty").mkdir()
    twice, clear, oblong, noise = (Path(shutil.copytree(folder, tmp_path / name)) for name in "abcd")
    tiles = [min(copy.glob("14/*/*.png")) for copy in (twice, clear, oblong, noise)]
    shutil.copy(tiles[0], tiles[0].with_suffix(".webp"))
    for tile in clear.glob("14/*/*.png"):
        Image.new("RGBA", (512, 512)).save(tile)
    Image.new("RGB", (512, 256), (1, 1, 1)).save(tiles[2])
    tiles[3].write_bytes(b"no picture at all")
    off = Path(shutil.copytree(folder, tmp_path / "off"))
    (off / "3/9").mkdir(parents=True)
    shutil.copy(tiles[1], off / "3/9/1.png")
    cases = [
        (tmp_path / "empty", "folder without tiles"),
        (twice, "is the same tile"),
        (clear, "no tile of zoom 14 shows any ground"),
        (oblong, "is 512 x 256 px: tiles are squares"),
        (noise, "is no picture"),
        (off, "there is no such tile: at zoom 3"),
        (mbtiles(tmp_path / "schema.mbtiles", table="other"), "no such table: tiles"),
        (mbtiles(tmp_path / "none.mbtiles"), "holds no tiles"),
        (mbtiles(tmp_path / "row.mbtiles", (3, 1, 8, b"")), "zoom 3 has no tiles from column 1, row 8"),
        (mbtiles(tmp_path / "text.mbtiles", (3, "east", 1, b"")), "zoom 3 has no tiles from column east"),
        (mbtiles(tmp_path / "null.mbtiles", (None, 1, 1, b"")), "zoom None has no tiles"),
        (mbtiles(tmp_path / "data.mbtiles", (3, 1, 1, b"\x89PNG")), "tile 3/1/6 is no picture"),
        (tmp_path / "short.pmtiles", "is cut short"),
        (tmp_path / "head.pmtiles", "damaged PMTiles"),
        (tmp_path / "directory.pmtiles", "damaged PMTiles"),
        (circular(tmp_path / "circle.pmtiles", pmtiles), "in a circle"),
        (with_header(tmp_path / "vector.pmtiles", pmtiles, tile_type=TileType.MVT), "holds MVT tiles"),
        (with_header(tmp_path / "zoom.pmtiles", pmtiles, min_zoom=20), "zooms 20..14"),
    ]
    for path, words in cases:
        with pytest.raises(SourceError, match=words) as refused:
            inspect(path)
        assert "\n" not in str(refused.value)
        assert str(path) in str(refused.value)


def test_tiles_of_more_than_8_bits_are_refused(tmp_path: Path) -> None:
    (tmp_path / "17/5").mkdir(parents=True)
    Image.fromarray(np.full((256, 256), 900, np.uint16)).save(tmp_path / "17/5/6.png")
    with pytest.raises(SourceError, match="tile 17/5/6 has values of more than 8 bits"):
        inspect(tmp_path)


def test_tiles_of_two_sizes_are_refused_where_they_meet(archive: Callable[..., Path]) -> None:
    folder = archive("map")
    tile = max(folder.glob("14/*/*.png"))
    Image.new("RGB", (256, 256)).save(tile)
    imagery = inspect(folder)
    with pytest.raises(SourceError, match="is 256 x 256 px, others are 512 x 512"):
        read(imagery, 14, PLACE)


def test_options_that_tiles_have_no_use_for_are_refused(archive: Callable[..., Path]) -> None:
    path = archive("map.mbtiles")
    with pytest.raises(UsageError, match="--scale does not fit"):
        inspect(path, scale=(0, 10))
    with pytest.raises(UsageError, match="tiles have the colours 1,2,3"):
        inspect(path, bidx=(4,))
    assert inspect(path, bidx=(3, 2, 1)).bands.colours == (3, 2, 1)
