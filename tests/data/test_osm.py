from pathlib import Path

import numpy as np
import pytest

from earthloom.data.osm import read_extract
from earthloom.errors import DataError


def test_an_extract_is_shapes_in_metres(packs: dict[str, Path]) -> None:
    extract = read_extract(packs["towns"] / "mini.osm")
    shapes = {shape.kind + ("" if shape.width_m else " area"): shape for shape in extract.shapes}
    assert extract.name == "mini"
    assert len(extract.shapes) == 8
    assert set(shapes) == {"road", "building area", "wood area", "water area", "water", "rail", "path"}
    assert {shape.width_m for shape in extract.shapes if shape.kind == "road"} == {9.0, 3.0}
    house_N2 = shapes["building area"].points_N2
    assert np.ptp(house_N2, axis=0) == pytest.approx([20.0, 20.0], rel=1e-3)
    river_N2 = shapes["water"].points_N2
    assert river_N2[1] - river_N2[0] == pytest.approx([400.0, -20.0], rel=1e-3)  # south is down


def test_a_square_has_the_shapes_that_touch_it(packs: dict[str, Path]) -> None:
    extract = read_extract(packs["towns"] / "mini.osm")
    house = next(shape for shape in extract.shapes if shape.kind == "building")
    left, top = house.points_N2.min(axis=0)
    assert house in extract.within(left + 19.0, top + 19.0, 5.0)
    assert house not in extract.within(left + 21.0, top, 5.0)
    assert not extract.within(5000.0, 5000.0, 10.0)


def test_what_is_no_extract_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.osm").write_text("<osm version='0.6'><node")
    with pytest.raises(DataError, match=r"broken\.osm is no OpenStreetMap extract"):
        read_extract(tmp_path / "broken.osm")
    with pytest.raises(DataError, match=r"gone\.osm\.pbf is no OpenStreetMap extract"):
        read_extract(tmp_path / "gone.osm.pbf")
    for name in ("noise.osm.pbf", "noise.osm.gz"):
        (tmp_path / name).write_bytes(bytes(range(1, 200)))
        with pytest.raises(DataError, match=f"{name} is no OpenStreetMap extract"):
            read_extract(tmp_path / name)
    (tmp_path / "empty.osm").write_text("<osm version='0.6'></osm>")
    with pytest.raises(DataError, match=r"empty\.osm holds no buildings"):
        read_extract(tmp_path / "empty.osm")
