"""Every output says where it comes from, and `info` reads it back from each format."""

import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import typer
from affine import Affine
from PIL import Image
from typer.testing import CliRunner

from earthloom.cli.info import info
from earthloom.errors import SourceError
from earthloom.geo.tiles import web_mercator_grid
from earthloom.geo.windows import Window
from earthloom.io.provenance import Provenance, describe, differences
from earthloom.io.sinks import Level, write

PROVENANCE = Provenance(
    input="town.tif",
    input_sha256="ab" * 32,
    model="series-small",
    model_sha256="cd" * 32,
    licence="CC-BY-4.0",
    seed=0,
    parameters={"zooms": [17, 16], "name": 'Å, "quoted" = 1'},
    device="cpu",
    torch="2.13.0",
    precision="fp32",
    batch=1,
    version="0.1.0",
)
PLACE = Window(6187000, 3523000, 600, 300)


def write_all(folder: Path, kit: SimpleNamespace) -> list[Path]:
    level = Level(14, kit.known(web_mercator_grid(14), PLACE), PLACE)
    names = ["map.tif", "map.png", "map.pmtiles", "map.mbtiles", "map"]
    return [write(folder / name, [level], tags=PROVENANCE.tags(), overwrite=False)[0] for name in names]


def test_tags_say_everything_and_no_time() -> None:
    tags = PROVENANCE.tags()
    assert tags["SYNTHETIC"] == "true"
    assert tags["DIGITAL_SOURCE_TYPE"].endswith("/trainedAlgorithmicMedia")
    assert tags["EARTHLOOM_SEED"] == "0"
    assert json.loads(tags["EARTHLOOM_PARAMETERS"]) == PROVENANCE.parameters
    assert len(tags) == 14
    assert tags == PROVENANCE.tags()
    assert replace(PROVENANCE, sidecars_sha256="ef").tags() == {**tags, "EARTHLOOM_INPUT_SIDECARS_SHA256": "ef"}


def test_differences_name_the_parameter() -> None:
    there, here = PROVENANCE.tags(), replace(PROVENANCE, seed=None, parameters={"zooms": [17], "bounds": None}).tags()
    assert differences(there, there) == {}
    assert differences(there, here) == {
        "EARTHLOOM_SEED": ("0", "none"),
        "EARTHLOOM_PARAMETERS.zooms": ("[17, 16]", "[17]"),
        "EARTHLOOM_PARAMETERS.name": ('"\\u00c5, \\"quoted\\" = 1"', "nothing"),
        "EARTHLOOM_PARAMETERS.bounds": ("nothing", "null"),
    }


def test_every_format_gives_its_provenance_back(tmp_path: Path, kit: SimpleNamespace) -> None:
    for path in write_all(tmp_path, kit):
        facts = describe(path)
        assert facts["tags"] == PROVENANCE.tags(), path
        assert facts["synthetic"] is True
        assert json.loads(json.dumps(facts)) == facts
    formats = [describe(path)["format"] for path in sorted(tmp_path.iterdir()) if path.suffix not in (".pgw", ".xml")]
    assert formats == ["XYZ", "MBTiles", "PMTiles 3", "PNG", "GTiff"]


@pytest.mark.parametrize("share", [0.5, 0.98])
def test_a_file_cut_short_has_no_provenance(tmp_path: Path, kit: SimpleNamespace, share: float) -> None:
    for path in write_all(tmp_path, kit)[:4]:
        path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
        with pytest.raises(SourceError, match=f"{path.name}: "):
            describe(path)


def test_a_folder_that_lost_a_tile_has_no_provenance(tmp_path: Path, kit: SimpleNamespace) -> None:
    folder = write_all(tmp_path, kit)[-1]
    next(folder.glob("*/*/*.png")).unlink()
    with pytest.raises(SourceError, match=r"map: has \d+ tiles, and \d+ were written"):
        describe(folder)


def test_tile_formats_agree_on_their_structure(tmp_path: Path, kit: SimpleNamespace) -> None:
    found = [describe(path) for path in write_all(tmp_path, kit)[2:]]
    for key in ("tiles", "zooms", "tile_px", "tile_format"):
        assert found[0][key] == found[1][key] == found[2][key], key
    for facts in found[1:]:
        assert facts["bounds"] == pytest.approx(found[0]["bounds"], abs=1e-6)


def test_plain_inputs_are_described(tmp_path: Path, kit: SimpleNamespace) -> None:
    path = kit.tiff(
        np.ones((2, 7, 9), np.uint16), nodata=0, crs="EPSG:32645", transform=Affine(2, 0, 353000, 0, -2, 3057000)
    )
    facts = describe(path)
    assert (facts["width"], facts["height"], facts["bands"], facts["dtype"]) == (9, 7, 2, ["uint16", "uint16"])
    assert (facts["crs"], facts["nodata"], facts["synthetic"], facts["tags"]) == ("EPSG:32645", "0.0", False, {})
    assert facts["gsd_m"] == pytest.approx(2, rel=1e-3)
    Image.new("RGB", (5, 4)).save(tmp_path / "photo.jpg")
    assert describe(tmp_path / "photo.jpg")["crs"] is None


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("none.tif", None, "no such file"),
        ("empty.tif", b"", "is empty"),
        ("text.tif", b"hello", "cannot be read"),
        ("cut.pmtiles", b"PMTiles\x03" + b"\0" * 40, "damaged PMTiles"),
        ("other.mbtiles", b"SQLite format 3\0" + b"\0" * 100, "no MBTiles"),
    ],
)
def test_what_is_no_file_of_ours_is_refused(tmp_path: Path, name: str, data: bytes | None, words: str) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(SourceError, match=f"{name}: .*{words}") as error:
        describe(tmp_path / name)
    assert "\n" not in str(error.value)


def foreign(folder: Path, metadata: object) -> Path:
    """Write a folder of one tile as other programs make them."""
    (folder / "tiles/3/2").mkdir(parents=True)
    Image.new("RGB", (256, 256)).save(folder / "tiles/3/2/1.png")
    (folder / "tiles/metadata.json").write_text(json.dumps(metadata))
    return folder / "tiles"


def test_a_foreign_folder_of_tiles_is_described(tmp_path: Path) -> None:
    facts = describe(foreign(tmp_path, {"tilejson": "2.0.0", "minzoom": 3, "maxzoom": "3"}))
    assert (facts["tiles"], facts["zooms"], facts["tile_format"], facts["bounds"]) == (1, [3, 3], None, [])


@pytest.mark.parametrize(
    "metadata",
    [
        {"minzoom": "low"},
        {"maxzoom": None},
        {"maxzoom": float("inf")},
        {"bounds": "west,south,east,north"},
        {"bounds": [1, 2, None, 4]},
        {"bounds": 7},
        {"tileSize": "large"},
    ],
)
def test_malformed_metadata_of_tiles_get_one_line(tmp_path: Path, metadata: dict[str, object]) -> None:
    with pytest.raises(SourceError, match=r"tiles: its metadata say no .*: correct") as error:
        describe(foreign(tmp_path, {"tilejson": "2.0.0", "format": "png", **metadata}))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("metadata", ["tilejson", ["tilejson"], 7, None])
def test_metadata_that_are_no_tilejson_make_no_folder_of_tiles(tmp_path: Path, metadata: object) -> None:
    with pytest.raises(SourceError, match="tiles: is a folder"):
        describe(foreign(tmp_path, metadata))


def test_malformed_metadata_of_archives_get_one_line(tmp_path: Path, kit: SimpleNamespace) -> None:
    _, _, pmtiles, mbtiles, _ = write_all(tmp_path, kit)
    with sqlite3.connect(mbtiles) as database:
        database.execute("INSERT INTO metadata VALUES (NULL, 'nothing')")
    database.close()
    assert describe(mbtiles)["tags"] == PROVENANCE.tags()
    with sqlite3.connect(mbtiles) as database:
        database.execute("UPDATE metadata SET value = 'high' WHERE name = 'maxzoom'")
    database.close()
    with pytest.raises(SourceError, match=r"map\.mbtiles: its metadata say no .*: correct"):
        describe(mbtiles)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SourceError, match="damaged PMTiles"):
        patch.setattr("pmtiles.reader.Reader.metadata", lambda _: ["no", "names"])
        describe(pmtiles)


def test_info_prints_both_ways(tmp_path: Path, kit: SimpleNamespace) -> None:
    app = typer.Typer()
    app.command()(info)
    path = write_all(tmp_path, kit)[0]
    plain = CliRunner().invoke(app, [str(path)])
    assert plain.exit_code == 0
    for words in ("GTiff", "EPSG:3857", "series-small", "trainedAlgorithmicMedia"):
        assert words in plain.stdout
    as_json = CliRunner().invoke(app, [str(path), "--json"])
    assert json.loads(as_json.stdout) == describe(path)
