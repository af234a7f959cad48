"""Images over http and from an object store, both played by one small server that knows ranges."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio

from earthloom.errors import SourceError
from earthloom.io.inputs import inspect
from earthloom.io.remote import gdal_name, is_remote, plain_name


@pytest.fixture
def served(tmp_path: Path) -> Iterator[SimpleNamespace]:
    """A GeoTIFF and where it is served, with the bytes that were asked for."""
    path = tmp_path / "ground.tif"
    rng = np.random.default_rng(0)
    profile = {"driver": "GTiff", "width": 700, "height": 520, "count": 3, "dtype": "uint8", "crs": "EPSG:32645"}
    place = rasterio.Affine(0.5, 0, 350000, 0, -0.5, 3056000)
    with rasterio.open(path, "w", transform=place, tiled=True, blockxsize=256, blockysize=256, **profile) as file:
        file.write(rng.integers(0, 255, (3, 520, 700), np.uint8))
    content = path.read_bytes()

    class Ranges(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(b"")

        def do_GET(self) -> None:
            self.answer(content)

        def answer(self, body: bytes) -> None:
            if not self.path.partition("?")[0].endswith("/ground.tif"):
                self.send_error(404)
                return
            first, _, last = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
            end = min(int(last or len(content) - 1), len(content) - 1)
            self.send_response(206 if "Range" in self.headers else 200)
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Range", f"bytes {first}-{end}/{len(content)}")
            self.send_header("Content-Length", str(end - int(first) + 1))
            self.end_headers()
            self.wfile.write(body[int(first) : end + 1])

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Ranges) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield SimpleNamespace(path=path, host=f"127.0.0.1:{server.server_port}")
        server.shutdown()


def test_addresses_reach_gdal_under_its_names() -> None:
    names = {
        "https://a.org/b//c.tif": "/vsicurl/https://a.org/b/c.tif",
        "s3://bucket/key.tif": "/vsis3/bucket/key.tif",
        "gs://bucket/key.tif": "/vsigs/bucket/key.tif",
        "/vsis3/bucket/key.tif": "/vsis3/bucket/key.tif",
        "/vsicurl/https://a.org/c.tif": "/vsicurl/https://a.org/c.tif",
        "/vsizip/a.zip/c.tif": "/vsizip/a.zip/c.tif",
        "some/where.tif": "some/where.tif",
    }
    assert {given: gdal_name(Path(given)) for given in names} == names
    assert [is_remote(Path(given)) for given in names] == [True] * 6 + [False]
    assert plain_name(Path("https://a.org/c.tif?key=secret")) == "c.tif"


@pytest.mark.parametrize("how", ["http", "vsis3"])
def test_a_remote_image_has_the_pixels_of_the_local_one(
    served: SimpleNamespace, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "AWS_S3_ENDPOINT": served.host,
        "AWS_HTTPS": "NO",
        "AWS_VIRTUAL_HOSTING": "FALSE",
        "AWS_NO_SIGN_REQUEST": "YES",
        "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    }.items():
        monkeypatch.setenv(name, value)
    address = f"http://{served.host}/deep/ground.tif?v=1" if how == "http" else "/vsis3/bucket/ground.tif"
    local, remote = inspect(served.path), inspect(address)
    assert (remote.crs, remote.transform, remote.gsd_m) == (local.crs, local.transform, local.gsd_m)
    assert remote.sha256 == inspect(address).sha256
    window = local.grid.extent
    assert window is not None
    one, two = (imagery.on(imagery.grid).read(window) for imagery in (local, remote))
    assert np.array_equal(one.pixels, two.pixels)
    assert np.array_equal(one.mask, two.mask)


def test_another_content_has_another_fingerprint(served: SimpleNamespace) -> None:
    from earthloom.io.gdal import gdal, open_dataset
    from earthloom.io.remote import fingerprint

    found = []
    for changed in (False, True):
        with gdal(), open_dataset(served.path, "r+" if changed else "r") as dataset:
            if changed:
                dataset.write(dataset.read() ^ np.uint8(1))
            found.append(fingerprint(dataset))
    assert found[0] != found[1]


def test_what_is_not_there_is_said(served: SimpleNamespace) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        inspect(f"http://{served.host}/none.tif")
