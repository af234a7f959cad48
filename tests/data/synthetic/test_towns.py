from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from earthloom.data.build import BUILDING, LAND, ROAD, VEGETATION, WATER
from earthloom.data.osm import Extract, Shape, read_extract
from earthloom.data.synthetic import towns
from earthloom.data.synthetic.outlines import beside
from earthloom.data.synthetic.plan import stands
from earthloom.data.synthetic.surfaces import COLOURS, Mood
from earthloom.errors import DataError


def _line(kind: str, width_m: float, *points: tuple[float, float]) -> Shape:
    return Shape(kind=kind, points_N2=np.array(points, float), width_m=width_m)


def _town(*shapes: Shape, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    extract = Extract(name="one", shapes=shapes)
    return towns.town(extract, np.zeros(2), np.random.default_rng(seed))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(towns, "SIDE_PX", 160)


@pytest.mark.parametrize("seed", range(3))
def test_a_road_is_where_its_line_is_and_connects_whatever_lies_on_it(seed: int) -> None:
    """The centre line is road from edge to edge: cars, trees and shadows change the image, never the label."""
    _, ids_HW = _town(_line("road", 6.0, (-100, -30), (100, 30)), seed=seed)
    cols = np.arange(160)
    rows = np.round(79.5 + (cols - 79.5) * 0.3).astype(int)
    assert (ids_HW[rows, cols] == ROAD).all()
    width_m = (ids_HW == ROAD).sum() / 160 * np.cos(np.arctan(0.3)) * towns.GSD_M
    assert 6.0 * 0.85 < width_m < 6.0 * 1.4 + 1.5


def test_main_roads_of_some_scenes_are_avenues() -> None:
    widths_m = []
    for seed in range(12):
        _, ids_HW = _town(_line("road", 8.0, (-100, 0), (100, 0)), seed=seed)
        widths_m.append((ids_HW[:, 80] == ROAD).sum() * towns.GSD_M)
    assert min(widths_m) < 12
    assert max(widths_m) > 15


def test_a_house_stands_on_its_outline() -> None:
    corners_N2 = np.array([(-12, -12), (-12, 12), (12, 12), (12, -12), (-12, -12)], float)
    _, ids_HW = _town(Shape(kind="building", points_N2=corners_N2))
    rows, cols = np.nonzero(ids_HW == BUILDING)
    assert rows.min() == pytest.approx(79.5 - 12 / towns.GSD_M, abs=1)
    assert cols.max() == pytest.approx(79.5 + 12 / towns.GSD_M, abs=1)
    assert len(rows) == pytest.approx((24 / towns.GSD_M) ** 2, rel=0.05)


def test_water_and_wood_are_drawn_and_bare_ground_is_left() -> None:
    pond = Shape(kind="water", points_N2=np.array([(-40, -40), (-40, -10), (-10, -10), (-10, -40)], float))
    wood = Shape(kind="wood", points_N2=np.array([(10, 10), (10, 40), (40, 40), (40, 10)], float))
    _, ids_HW = _town(pond, wood, seed=1)
    assert ids_HW[80 - 40, 80 - 40] == WATER
    assert ids_HW[80 + 40, 80 + 40] == VEGETATION
    assert set(np.unique(ids_HW)) <= {LAND, VEGETATION, WATER}


def test_some_scenes_have_open_water_and_main_roads_cross_it() -> None:
    open_water = 0
    for seed in range(8):
        _, ids_HW = _town(_line("road", 8.0, (-100, 0), (100, 0)), seed=seed)
        assert (ids_HW[79] == ROAD).all()
        open_water += (ids_HW == WATER).mean() > 0.05
    assert 0 < open_water < 8


def test_houses_and_lanes_in_open_water_are_left_out() -> None:
    lake_N2 = np.array([(100, 100), (100, 200), (200, 200), (200, 100)], float)
    house = Shape(kind="building", points_N2=lake_N2 * 0.5 + 75)
    dry, wet = Image.new("L", (320, 320), LAND), Image.new("L", (320, 320), LAND)
    wet.paste(WATER, (100, 100, 201, 201))
    assert stands(house, dry)
    assert not stands(house, wet)
    assert not stands(_line("road", 4.0, (110, 110), (150, 150), (190, 190), (310, 310)), wet)
    assert stands(_line("road", 9.0, (110, 110), (190, 190)), wet)
    assert stands(Shape(kind="building", points_N2=lake_N2 + 120), wet)


def test_scenes_are_functions_of_seed_and_place(packs: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    first, again = list(towns.scenes(packs["towns"])), list(towns.scenes(packs["towns"]))
    assert [scene.name for scene in first] == ["mini_000", "mini_001"]
    for one, other in zip(first, again, strict=True):
        assert np.array_equal(one.rgb_HW3, other.rgb_HW3)
        assert np.array_equal(one.sets_HW, other.sets_HW)
    assert not np.array_equal(first[0].rgb_HW3, first[1].rgb_HW3)
    monkeypatch.setattr(towns, "VALIDATION", {"mini"})
    assert [scene.split for scene in towns.scenes(packs["towns"])] == ["val"]


def test_colours_say_nothing_for_certain() -> None:
    """Over many scenes roads are darker than what is about them and lighter as well."""
    contrasts = []
    for seed in range(16):
        rgb_HW3, ids_HW = _town(_line("road", 10.0, (-100, 0), (100, 0)), seed=seed)
        contrasts.append(rgb_HW3[ids_HW == ROAD].mean() - rgb_HW3[ids_HW != ROAD].mean())
    assert min(contrasts) < -10
    assert max(contrasts) > 10


def test_a_mood_keeps_to_its_families() -> None:
    loyal = Mood(rng=np.random.default_rng(0), loyalty=1.0)
    surfaces = [loyal.surface("roof", "town hall") for _ in range(20)]
    low_3, high_3 = np.array(COLOURS["roof"][loyal.families["town hall"]])
    for surface in surfaces:
        assert (loyal.colours[surface] > low_3 - 25).all()
        assert (loyal.colours[surface] < high_3 + 25).all()
    darker = loyal.shaded(surfaces[0], 0.5)
    assert loyal.colours[darker] == pytest.approx(loyal.colours[surfaces[0]] * 0.5)


def test_a_mixture_has_a_share_of_the_other_colour_and_its_own_grain() -> None:
    mood = Mood(rng=np.random.default_rng(0), loyalty=1.0)
    road, dust = mood.surface("road"), mood.surface("land")
    mixed = mood.mixed(road, dust, 0.25)
    assert mood.colours[mixed] == pytest.approx(0.75 * mood.colours[road] + 0.25 * mood.colours[dust])
    assert np.array_equal(mood.grains[mixed], mood.grains[road])


def test_dust_all_but_hides_some_main_roads() -> None:
    """Of many scenes some have a main road of nearly the colour of the dust beside it, which is land."""
    contrasts = []
    for seed in range(24):
        rgb_HW3, ids_HW = _town(_line("road", 8.0, (-100, 0), (100, 0)), seed=seed)
        road_H = (ids_HW == ROAD).all(1)
        edges_H = np.roll(road_H, 3) & ~road_H | np.roll(road_H, -3) & ~road_H
        contrasts.append(abs(np.median(rgb_HW3[road_H], (0, 1)) - np.median(rgb_HW3[edges_H], (0, 1))).max())
    assert min(contrasts) < 15
    assert max(contrasts) > 40


def test_a_line_beside_a_circle_is_a_circle() -> None:
    angles_N = np.linspace(0.0, np.pi, 200)
    arc_N2 = 50.0 * np.stack([np.cos(angles_N), np.sin(angles_N)], 1)
    assert np.linalg.norm(beside(arc_N2, 5.0), axis=1) == pytest.approx(45.0, abs=0.1)


def test_a_folder_without_streets_is_refused(tmp_path: Path, packs: dict[str, Path]) -> None:
    with pytest.raises(DataError, match=r"holds no \.osm\.pbf"):
        list(towns.scenes(tmp_path))
    (tmp_path / "both").mkdir()
    for suffix in ("osm", "osm.gz"):
        (tmp_path / "both" / f"mini.{suffix}").touch()
    with pytest.raises(DataError, match="holds mini twice"):
        list(towns.scenes(tmp_path / "both"))
    text = (packs["towns"] / "mini.osm").read_text().replace('k="highway"', 'k="note"')
    (tmp_path / "wild.osm").write_text(text)
    with pytest.raises(DataError, match="no roads to draw scenes around"):
        list(towns.scenes(tmp_path))
    assert read_extract(tmp_path / "wild.osm").shapes
