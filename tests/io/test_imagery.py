"""Images of every kind are read as what they mean; what cannot be read is refused with its name and a way out."""

import hashlib
import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from numpy.typing import NDArray
from PIL import Image
from rasterio.control import GroundControlPoint
from rasterio.enums import ColorInterp, WktVersion

from earthloom.errors import EarthloomError, SourceError, UsageError
from earthloom.geo.grid import Grid
from earthloom.io.imagery import Imagery
from earthloom.io.inputs import inspect
from earthloom.io.raster import Raster

GCPS = [GroundControlPoint(0, 0, 353000, 3057000), GroundControlPoint(9, 9, 353005, 3056995)]
UTM = {"crs": "EPSG:32645", "transform": Affine(0.5, 0, 353000, 0, -0.5, 3057000)}


def read(imagery: Imagery) -> Raster:
    """Read an image on its own grid."""
    grid = imagery.grid
    assert grid.extent is not None
    return imagery.on(grid).read(grid.extent)


def check(raster: Raster, expected_CHW: NDArray[Any], mask_HW: NDArray[np.bool_] | bool = True) -> None:
    mask = np.broadcast_to(mask_HW, raster.mask.shape)
    np.testing.assert_array_equal(raster.mask, mask)
    np.testing.assert_array_equal(raster.pixels, np.broadcast_to(expected_CHW, raster.pixels.shape) * mask)


def test_facts_of_a_georeferenced_image(kit: SimpleNamespace) -> None:
    path = kit.tiff(kit.noisy(3, 40, 60), **UTM)
    imagery = inspect(path)
    assert (imagery.crs, imagery.transform, imagery.width, imagery.height) == ("EPSG:32645", UTM["transform"], 60, 40)
    assert imagery.bounds == (353000, 3056980, 353030, 3057000)
    assert imagery.gsd_m == pytest.approx(0.5, rel=1e-3)
    assert imagery.lat_deg == pytest.approx(27.63, abs=0.01)
    assert imagery.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert pickle.loads(pickle.dumps(imagery)) == imagery


def test_an_image_without_a_place_lies_on_ground_metres(kit: SimpleNamespace) -> None:
    imagery = inspect(kit.tiff(kit.noisy(3, 40, 60)), gsd_m=0.25)
    assert (imagery.crs, imagery.lat_deg, imagery.gsd_m) == (None, None, 0.25)
    assert imagery.grid == Grid(crs=None, transform=Affine.scale(0.25)).within(imagery.grid.extent)
    assert imagery.bounds == (0, 10, 15, 0)
    assert imagery.grid.window_of(*imagery.bounds) == imagery.grid.extent
    check(read(imagery), kit.noisy(3, 40, 60))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 7), (5, 3)])
def test_tiny_images(kit: SimpleNamespace, height: int, width: int) -> None:
    pixels = kit.noisy(3, height, width)
    check(read(inspect(kit.tiff(pixels), gsd_m=1)), pixels)


@pytest.mark.parametrize(
    ("bands", "bidx", "expected"),
    [
        (1, (), (0, 0, 0)),
        (3, (), (0, 1, 2)),
        (4, (), (0, 1, 2)),
        (6, (4, 3, 2), (3, 2, 1)),
        (6, (5,), (4, 4, 4)),
        (6, (6, 1, 2, 3), (5, 0, 1)),
    ],
)
def test_bands_become_colours(
    kit: SimpleNamespace, bands: int, bidx: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    pixels = kit.noisy(bands, 9, 11)
    path = kit.tiff(pixels, photometric="MINISBLACK", **UTM)
    with rasterio.open(path, "r+") as file:
        file.colorinterp = [ColorInterp.gray] * bands
    check(read(inspect(path, bidx=bidx)), pixels[list(expected)])


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_few_bits_are_all_grey_levels(kit: SimpleNamespace, tmp_path: Path, bits: int) -> None:
    values = (np.arange(99, dtype=np.uint8) % 2**bits).reshape(9, 11)
    image = Image.fromarray(values > 0) if bits == 1 else Image.fromarray(values)
    image.save(tmp_path / "few.png", bits=bits)
    few = kit.tiff(values[None], nbits=bits, photometric="MINISBLACK", **UTM)
    for imagery in (inspect(tmp_path / "few.png", gsd_m=1), inspect(few)):
        check(read(imagery), values * (255 // (2**bits - 1)))


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_where_0_is_white_grey_levels_are_turned(kit: SimpleNamespace, bits: int) -> None:
    values = (np.arange(99) % 2**bits).astype(np.uint8).reshape(9, 11)
    path = kit.tiff(values[None], photometric="MINISWHITE", **{"nbits": bits} if bits < 8 else {}, **UTM)
    expected = 255 - values * (255 // (2**bits - 1))
    check(read(inspect(path)), expected)
    if bits == 8:
        assert np.array_equal(np.asarray(Image.open(path)), expected)
        deep = kit.tiff(values[None].astype(np.uint16) * 257, photometric="MINISWHITE", **UTM)
        check(read(inspect(deep, scale=(0, 65535))), expected)


def test_alpha_counts_from_128_on(kit: SimpleNamespace) -> None:
    pixels = kit.noisy(4, 8, 16)
    pixels[3] = np.arange(128).reshape(8, 16) * 2
    path = kit.tiff(pixels, photometric="RGB", alpha="NON-PREMULTIPLIED", **UTM)
    with rasterio.open(path) as file:
        assert file.colorinterp[3] is ColorInterp.alpha
    check(read(inspect(path)), pixels[:3], pixels[3] >= 128)
    check(read(inspect(path, bidx=(2,))), pixels[1], pixels[3] >= 128)


def test_internal_mask_and_nodata(kit: SimpleNamespace) -> None:
    pixels, mask = kit.noisy(3, 60, 50), kit.ragged(60, 50)
    check(read(inspect(kit.tiff(pixels, mask=mask, **UTM))), pixels, mask)
    black = pixels * mask
    black[1, :5] = 0  # a real dark band where the others have values
    check(read(inspect(kit.tiff(black, name="nodata.tif", nodata=0, **UTM))), black, mask & (black != 0).any(axis=0))


def test_uint16_and_float_are_scaled_linearly(kit: SimpleNamespace) -> None:
    values = np.arange(300, dtype=np.uint16).reshape(1, 15, 20) * 20
    expected = np.clip(np.floor((values - 1000.0) * 255 / 3000 + 0.5), 0, 255)
    check(read(inspect(kit.tiff(values, **UTM), scale=(1000, 4000))), expected)
    check(read(inspect(kit.tiff(values.astype(np.float64), name="f.tif", **UTM), scale=(1000, 4000))), expected)


@pytest.mark.parametrize("nodata", [None, -9999.0, np.nan])
def test_nan_is_nodata_whether_declared_or_not(kit: SimpleNamespace, nodata: float | None) -> None:
    values = kit.noisy(1, 30, 40).astype(np.float32)
    mask = kit.ragged(30, 40)
    values[0, ~mask] = np.nan
    if nodata is not None:
        values[0, 20:23, 18:23] = nodata
        mask = mask & np.isfinite(values[0]) & (values[0] > 0)
    path = kit.tiff(values, **UTM, **({} if nodata is None else {"nodata": nodata}))
    check(read(inspect(path, scale=(0, 255))), np.nan_to_num(np.maximum(values, 0)), mask)


def test_masked_pixels_do_not_bleed_into_valid_ones(kit: SimpleNamespace) -> None:
    pixels = np.full((3, 40, 40), 200, np.uint8)
    pixels[:, :, 20:] = 3
    mask = np.ones((40, 40), np.bool_)
    mask[:, 20:] = False
    imagery = inspect(kit.tiff(pixels, mask=mask, **UTM))
    for ratio in (0.3, 0.7, 1.5, 3.1):
        grid = Grid(crs="EPSG:32645", transform=imagery.transform @ Affine.scale(ratio))
        source = imagery.on(grid)
        assert source.grid.extent is not None
        raster = source.read(source.grid.extent)
        assert set(np.unique(raster.pixels[:, raster.mask])) == {200}
        assert raster.mask.any(axis=0).sum() == pytest.approx(20 / ratio, abs=1)


def test_a_palette_becomes_its_colours(kit: SimpleNamespace) -> None:
    indices = (np.arange(48).reshape(1, 6, 8) % 5).astype(np.uint8)
    colours = {0: (10, 20, 30, 255), 1: (200, 0, 0, 255), 2: (0, 99, 0, 255), 3: (7, 7, 7, 0), 4: (1, 2, 3, 255)}
    path = kit.tiff(indices, photometric="PALETTE", nodata=4, **UTM)
    with rasterio.open(path, "r+") as file:
        file.write_colormap(1, colours)
    table = np.array([colours[i][:3] for i in range(5)])
    mask = indices[0] != 4
    with rasterio.open(path) as file:  # TIFF keeps no alpha in its palettes
        assert file.colormap(1)[3] == (7, 7, 7, 255)
    check(read(inspect(path)), table[indices[0]].transpose(2, 0, 1), mask)


def test_a_png_palette_keeps_its_transparency(tmp_path: Path) -> None:
    image = Image.fromarray((np.arange(48).reshape(6, 8) % 3).astype(np.uint8), "P")
    image.putpalette([10, 20, 30, 200, 0, 0, 0, 99, 0])
    image.save(tmp_path / "p.png", transparency=bytes([255, 0, 255]))
    rgba = np.asarray(image.convert("RGBA")).transpose(2, 0, 1)
    check(read(inspect(tmp_path / "p.png", gsd_m=1)), rgba[:3], np.asarray(image) != 1)


def test_overviews_keep_masks_and_palettes(kit: SimpleNamespace) -> None:
    mask = np.zeros((64, 64), np.bool_)
    mask[:, 16:] = True
    path = kit.tiff(np.full((3, 64, 64), 90, np.uint8), mask=mask, overviews=(2, 4), **UTM)
    imagery = inspect(path)
    source = imagery.on(Grid(crs="EPSG:32645", transform=imagery.transform @ Affine.scale(4)))
    assert source.warp.overview == (1, 4)
    assert source.grid.extent is not None
    check(source.read(source.grid.extent), np.full((3, 16, 16), 90), mask[::4, ::4])


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_world_file_needs_a_crs(kit: SimpleNamespace, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"photo.{suffix}"
    Image.fromarray(kit.noisy(3, 20, 30).transpose(1, 2, 0)).save(path)
    (tmp_path / "photo.wld").write_text("0.5\n0\n0\n-0.5\n353000.25\n3056999.75\n")
    with pytest.raises(SourceError, match=r"photo\.\w+: has no place \(no CRS\): lay .* as photo\.prj .*--gsd"):
        inspect(path)
    assert inspect(path, gsd_m=0.3).crs is None
    (tmp_path / "photo.prj").write_text(rasterio.CRS.from_epsg(32645).to_wkt(version=WktVersion.WKT1_ESRI))
    imagery = inspect(path)
    assert (imagery.crs, imagery.transform) == ("EPSG:32645", UTM["transform"])


def test_what_lies_beside_an_image_and_decides_its_pixels_is_hashed(kit: SimpleNamespace, tmp_path: Path) -> None:
    path = kit.tiff(kit.noisy(3, 20, 30), transform=UTM["transform"])
    notes = tmp_path / "image.tif.aux.xml"

    def hashed() -> str:
        return inspect(path, gsd_m=1).sidecars_sha256

    assert hashed() == ""
    statistics = '<PAMRasterBand band="1"><Metadata><MDI key="STATISTICS_MEAN">1</MDI></Metadata></PAMRasterBand>'
    notes.write_text(f"<PAMDataset>{statistics}</PAMDataset>")  # as a viewer leaves them
    assert hashed() == ""
    notes.write_text('<PAMDataset><PAMRasterBand band="1"><NoDataValue>7</NoDataValue></PAMRasterBand></PAMDataset>')
    nodata = hashed()
    notes.unlink()
    (tmp_path / "image.prj").write_text(rasterio.CRS.from_epsg(32645).to_wkt())
    place = hashed()
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(path, "r+") as file:
        file.write_mask(kit.ragged(20, 30))
    assert (tmp_path / "image.tif.msk").exists()
    assert len({"", nodata, place, hashed()}) == 4


def test_an_engineering_crs_has_no_place(kit: SimpleNamespace) -> None:
    path = kit.tiff(kit.noisy(3, 9, 9), crs='LOCAL_CS["site",UNIT["metre",1]]', transform=Affine(2, 0, 5, 0, -2, 5))
    with pytest.raises(SourceError, match="without a place on Earth.*--gsd"):
        inspect(path)
    assert inspect(path, gsd_m=0.3).crs is None


def cut(path: Path, part: float) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    return path


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def pillow(kit: SimpleNamespace, path: Path) -> Path:
    Image.fromarray(kit.noisy(3, 90, 80).transpose(1, 2, 0)).save(path)
    return path


def paletted(path: Path) -> Path:
    Image.fromarray(np.arange(90, dtype=np.uint8).reshape(9, 10)).convert("P").save(path)
    return path


def no_bands(path: Path) -> Path:
    return written(path, b'<VRTDataset rasterXSize="5" rasterYSize="5"></VRTDataset>')


REFUSED: dict[str, tuple[Any, dict[str, Any], str]] = {
    "missing": (lambda kit, tmp: tmp / "none.tif", {}, "none.tif: no such file"),
    "folder": (lambda kit, tmp: tmp, {}, "is a folder"),
    "empty": (lambda kit, tmp: written(tmp / "e.tif", b""), {}, "e.tif: is empty"),
    "text": (lambda kit, tmp: written(tmp / "t.tif", b"hello world"), {}, "t.tif: cannot be read: .*not recognized"),
    "no bands": (lambda kit, tmp: no_bands(tmp / "n.vrt"), {"gsd_m": 1}, "n.vrt: (has no bands|cannot be read)"),
    "cut tiff": (lambda kit, tmp: cut(kit.tiff(kit.noisy(3, 99, 99), compress="deflate", **UTM), 0.7), {}, "whole"),
    "cut jpeg": (lambda kit, tmp: cut(pillow(kit, tmp / "c.jpg"), 0.7), {"gsd_m": 1}, "c.jpg: cannot be read: .*whole"),
    "cut png": (lambda kit, tmp: cut(pillow(kit, tmp / "c.png"), 0.9), {"gsd_m": 1}, "c.png: is cut short"),
    "no place": (lambda kit, tmp: kit.tiff(kit.noisy(3, 9, 9)), {}, r"has no place \(no CRS\): .*--gsd"),
    "no transform": (
        lambda kit, tmp: kit.tiff(kit.noisy(3, 9, 9), crs="EPSG:32645"),
        {},
        r"has no place \(no transform\): say .*--gsd",
    ),
    "many bands": (lambda kit, tmp: kit.tiff(kit.noisy(5, 9, 9), **UTM), {}, "has 5 bands: .*--bidx"),
    "two bands": (lambda kit, tmp: kit.tiff(kit.noisy(2, 9, 9), **UTM), {}, "two bands make no colours: .*--bidx 1"),
    "bidx of two": (lambda kit, tmp: kit.tiff(kit.noisy(3, 9, 9), **UTM), {"bidx": (2, 3)}, "two bands .*--bidx 2"),
    "alpha as a colour": (
        lambda kit, tmp: kit.tiff(kit.noisy(4, 9, 9), photometric="RGB", alpha="YES", **UTM),
        {"bidx": (4, 3, 2)},
        "band 4 of --bidx is marked as alpha: unmark it",
    ),
    "palette and scale": (lambda kit, tmp: paletted(tmp / "p.png"), {"gsd_m": 1, "scale": (0, 3)}, "has a palette"),
    "control points": (lambda kit, tmp: kit.tiff(kit.noisy(3, 9, 9), gcps=GCPS, crs="EPSG:32645"), {}, "gdalwarp"),
    "bidx 9": (lambda kit, tmp: kit.tiff(kit.noisy(5, 9, 9), **UTM), {"bidx": (1, 9)}, r"no band 9 .*run 1\.\.5"),
    "bidx 0": (lambda kit, tmp: kit.tiff(kit.noisy(5, 9, 9), **UTM), {"bidx": (0,)}, "no band 0"),
    "uint16": (lambda kit, tmp: kit.tiff(kit.noisy(3, 9, 9).astype(np.uint16), **UTM), {}, "uint16 values: .*--scale"),
    "float": (lambda kit, tmp: kit.tiff(kit.noisy(3, 9, 9).astype(np.float32), **UTM), {}, "float32.*--scale"),
    "complex": (lambda kit, tmp: kit.tiff(kit.noisy(1, 9, 9).astype(np.complex64), **UTM), {}, "complex values"),
    "nodata": (
        lambda kit, tmp: kit.tiff(np.zeros((3, 999, 9), np.uint8), nodata=0, **UTM),
        {},
        "every pixel is nodata",
    ),
    "all nan": (
        lambda kit, tmp: kit.tiff(np.full((1, 9, 9), np.nan, np.float32), **UTM),
        {"scale": (0, 1)},
        "every pixel is nodata",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_one_clear_line(
    kit: SimpleNamespace, tmp_path: Path, case: str, capfd: pytest.CaptureFixture[str]
) -> None:
    make, options, words = REFUSED[case]
    path = make(kit, tmp_path)
    with pytest.raises(SourceError, match=words) as error:
        inspect(path, **options)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"gsd_m": 0.0}, "--gsd 0"),
        ({"gsd_m": -1.0}, "--gsd -1"),
        ({"gsd_m": float("nan")}, "--gsd nan"),
        ({"gsd_m": float("inf")}, "--gsd inf"),
        ({"scale": (5.0, 5.0)}, "--scale 5,5"),
        ({"scale": (0.0, float("inf"))}, "--scale 0,inf"),
        ({"bidx": (1, 2, 3, 1, 2)}, "--bidx 1,2,3,1,2"),
    ],
)
def test_arguments_that_make_no_sense(kit: SimpleNamespace, options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        inspect(kit.tiff(kit.noisy(3, 9, 9), **UTM), **options)


def test_one_valid_pixel_far_from_any_glance_is_enough(kit: SimpleNamespace) -> None:
    pixels = np.zeros((1, 2000, 900), np.uint8)
    pixels[0, 1777, 333] = 9
    assert inspect(kit.tiff(pixels, nodata=0, **UTM)).width == 900


def test_damage_in_the_middle_is_found_on_reading(kit: SimpleNamespace) -> None:
    path = kit.tiff(kit.noisy(3, 600, 64), compress="deflate", blockysize=16, **UTM)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 4000] = b"\xff" * 4000
    path.write_bytes(bytes(data))
    with pytest.raises(EarthloomError, match=r"image\.tif: cannot be read"):
        read(inspect(path))
