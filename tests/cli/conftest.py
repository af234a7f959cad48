"""A folder of bad images, and the command line run in this process."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.transform import Affine

from earthloom.cli import main as cli

Run = Callable[..., tuple[int, str]]


@pytest.fixture(scope="session")
def bad_images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write one good image of 0.6 m a pixel and many that are not."""
    folder = tmp_path_factory.mktemp("bad")
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 3, "width": 40, "height": 30, "crs": "EPSG:3857"}
    transform = Affine(0.6, 0, 1000.0, 0, -0.6, 1000.0)
    pixels = np.random.default_rng(0).integers(1, 255, (3, 30, 40), dtype=np.uint8)
    large = pixels.repeat(20, axis=1).repeat(20, axis=2)

    def tif(name: str, data: np.ndarray, **changes: object) -> None:
        size = {"transform": transform, "count": len(data), "dtype": data.dtype}
        with rasterio.open(folder / name, "w", **(profile | size | changes)) as file:
            file.write(data)

    tif("good.tif", pixels)
    tif("grey.tif", pixels[:1])
    tif("five.tif", np.concatenate([pixels, pixels[:2]]))
    tif("deep.tif", pixels.astype(np.uint16) * 10)
    tif("void.tif", np.zeros_like(pixels), nodata=0)
    tif("east.tif", np.where(np.arange(40) < 20, np.uint8(0), pixels), nodata=0)
    holed = pixels.astype(np.float32)
    holed[:, 5:10, 20:24] = np.nan
    tif("holed.tif", holed)
    tif("local.tif", pixels, crs='LOCAL_CS["site",UNIT["metre",1]]')
    tif("unknown.tif", pixels, crs=None)
    (folder / "unknown.prj").write_text('PROJCS["no such projection"]')
    tif("lost.tif", pixels, crs=None)
    (folder / "bandless.vrt").write_text('<VRTDataset rasterXSize="40" rasterYSize="30"></VRTDataset>')
    (folder / "empty.tif").touch()
    (folder / "text.tif").write_text("this is no image\n" * 50)
    tif("long.tif", large, width=800, height=600)
    (folder / "truncated.tif").write_bytes((folder / "long.tif").read_bytes()[:200_000])
    Image.fromarray(large.transpose(1, 2, 0)).save(folder / "long.jpg", quality=95)
    (folder / "truncated.jpg").write_bytes((folder / "long.jpg").read_bytes()[:15_000])
    Image.fromarray(pixels.transpose(1, 2, 0)).save(folder / "placeless.png")
    return folder


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in this process; gives the exit code and what was said on stderr."""

    def call(*words: str) -> tuple[int, str]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.argv", ["earthloom", *words])
            with pytest.raises(SystemExit) as left:
                cli.main()
        code = left.value.code
        return (code if isinstance(code, int) else 0), capsys.readouterr().err

    return call


@pytest.fixture
def refused(run: Run) -> Callable[[Sequence[str], int, str], None]:
    """Check that a command line ends with a code and one line that says some words, and leaves the folder as it was."""

    def check(command: Sequence[str], code: int, words: str) -> None:
        before = {path: path.stat().st_mtime_ns for path in Path().rglob("*")}
        found, said = run(*command)
        assert found == code, said
        assert words in said
        assert said.startswith("earthloom: ")
        assert said.count("\n") == 1
        assert {path: path.stat().st_mtime_ns for path in Path().rglob("*")} == before

    return check
