from collections import Counter
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from earthloom.data.augment import LUMA, Looks, change, resurface
from earthloom.data.pairs import Pair
from earthloom.data.pixels import to_uint8, to_unit
from earthloom.data.sampler import Cropping, Sampler
from earthloom.errors import DataError

PALETTE = ((255, 255, 255), (0, 0, 0))
PLAIN = Cropping(size_px=16, gsd_m=None, scale=(1.0, 1.0), looks=None)


def _pair(folder: Path, name: str, rgb: np.ndarray, sets: np.ndarray, *, gsd_m: float | None = None) -> Pair:
    Image.fromarray(rgb).save(folder / f"{name}.png")
    Image.fromarray(sets).save(folder / f"{name}_sets.png")
    paths = {"image": folder / f"{name}.png", "target": folder / f"{name}_sets.png"}
    return Pair(**paths, gsd_m=gsd_m, split="train", site=name, pack=name)


def _sampler(pairs: list[Pair], cropping: Cropping = PLAIN, **weights: float) -> Sampler:
    return Sampler(pairs, cropping=cropping, palette=PALETTE, weights=weights, seed=3)


@pytest.fixture
def noise(tmp_path: Path) -> Pair:
    rng = np.random.default_rng(0)
    sets = rng.integers(1, 3, (64, 80), np.uint8)
    return _pair(tmp_path, "noise", np.repeat(sets[..., None] * np.uint8(100), 3, axis=2), sets, gsd_m=1.0)


def test_a_crop_depends_on_seed_step_and_index_alone(noise: Pair) -> None:
    cropping = Cropping(size_px=24, gsd_m=0.6, scale=(0.6, 1.6), looks=Looks())
    one, two = _sampler([noise], cropping), _sampler([noise], cropping)
    later = [one.crop(step, index) for step in (5, 0) for index in (1, 0)]
    first = [two.crop(step, index) for step in (0, 5) for index in (0, 1)]
    for a, b in zip(later, reversed(first), strict=True):
        assert np.array_equal(a.rgb_HW3, b.rgb_HW3)
        assert np.array_equal(a.sets_HW, b.sets_HW)
    assert not np.array_equal(first[0].rgb_HW3, first[1].rgb_HW3)


def test_image_label_and_map_turn_together(noise: Pair) -> None:
    sampler = _sampler([noise], Cropping(size_px=16, gsd_m=None, scale=(1.0, 1.0), looks=None))
    for step in range(20):
        crop = sampler.crop(step, 0)
        assert np.array_equal(crop.rgb_HW3[..., 0], crop.sets_HW * 100)
        assert np.array_equal(crop.map_HW3, np.array(((0, 0, 0), *PALETTE), np.uint8)[crop.sets_HW])


def test_the_network_sees_the_asked_ground_resolution(tmp_path: Path) -> None:
    stripes = np.tile((np.arange(256) // 8 % 2 + 1).astype(np.uint8), (256, 1))
    pair = _pair(tmp_path, "stripes", np.zeros((256, 256, 3), np.uint8), stripes, gsd_m=0.5)
    sampler = _sampler([pair], Cropping(size_px=64, gsd_m=1.0, scale=(1.0, 1.0), looks=None))
    for step in range(5):
        sets = sampler.crop(step, 0).sets_HW
        changes = sum(np.count_nonzero(np.diff(sets.astype(int), axis=axis)) for axis in (0, 1)) / 64
        assert 14 <= changes <= 16  # a stripe every 4 px: 8 px of 0.5 m seen at 1 m


def test_ground_beyond_the_scene_is_mirrored_and_unlabelled(tmp_path: Path) -> None:
    pair = _pair(tmp_path, "dot", np.full((4, 4, 3), 7, np.uint8), np.ones((4, 4), np.uint8))
    crop = _sampler([pair]).crop(0, 0)
    assert (crop.rgb_HW3 == 7).all()
    assert np.count_nonzero(crop.sets_HW) == 16


def test_packs_come_by_weight_and_empty_crops_are_drawn_again(tmp_path: Path) -> None:
    grey = np.zeros((40, 40, 3), np.uint8)
    sets = np.zeros((40, 40), np.uint8)
    sets[:, :12] = 1
    often, seldom = _pair(tmp_path, "often", grey + 1, sets), _pair(tmp_path, "seldom", grey + 2, sets)
    sampler = _sampler([often, seldom], often=0.8, seldom=0.2)
    crops = [sampler.crop(step, 0) for step in range(300)]
    drawn = Counter(int(crop.rgb_HW3[0, 0, 0]) for crop in crops)
    assert 0.72 < drawn[1] / 300 < 0.88
    assert sum(crop.sets_HW.any() for crop in crops) > 280


def test_nothing_to_draw_from_is_refused(noise: Pair) -> None:
    with pytest.raises(DataError, match=r"packs: \['noise'\].*weight above 0"):
        _sampler([noise], noise=0.0)


def test_sizes_that_differ_are_refused(tmp_path: Path) -> None:
    pair = _pair(tmp_path, "odd", np.zeros((4, 4, 3), np.uint8), np.ones((4, 5), np.uint8))
    with pytest.raises(DataError, match="sizes must agree"):
        _sampler([pair]).crop(0, 0)


def test_other_looks_keep_shape_and_edges() -> None:
    rgb = np.zeros((32, 32, 3), np.uint8)
    rgb[:, 16:] = 180
    for seed in range(30):
        seen = change(rgb, Looks(inverted=0), np.random.default_rng(seed)).astype(int)
        assert seen.shape == rgb.shape
        assert seen[:, 24:].mean() - seen[:, :8].mean() > 40


def test_inverted_crops_exchange_dark_and_bright_and_keep_their_hue() -> None:
    rgb = np.array([[[60, 50, 40], [200, 190, 180]]], np.uint8)
    still = {field.name: 0 for field in fields(Looks)} | {"blur_px": 0.3, "jpeg_quality": 90, "inverted": 1}
    rng = np.random.default_rng(next(s for s in range(99) if (np.random.default_rng(s).random(5)[2:] >= 1 / 3).all()))
    seen = change(rgb, Looks(**still), rng).astype(int)
    grey = rgb @ LUMA
    assert np.abs(seen @ LUMA - (255 - grey)).max() < 1.5
    assert np.abs(np.diff(seen) - np.diff(rgb.astype(int))).max() <= 1


def test_a_new_surface_is_another_mean_colour_with_the_texture_kept() -> None:
    rng = np.random.default_rng(0)
    rgb = rng.integers(100, 130, (64, 64, 3), np.uint8)
    road = np.zeros((64, 64), bool)
    road[20:44] = True
    for seed in range(20):
        seen = resurface(rgb, road, np.random.default_rng(seed)).astype(int)
        shift = (seen - rgb)[26:38]  # inside, where the mask is not blurred
        assert np.ptp(shift, axis=(0, 1)).max() <= 1
        assert np.array_equal(seen[:13], rgb[:13])
        red, green, blue = seen[26:38].mean(axis=(0, 1))
        assert red >= green - 1 >= blue - 2  # never bluer than grey
        assert 80 <= green <= 230


@pytest.mark.parametrize(("resurfaced", "surface_id"), [(0.0, 2), (1.0, None), (1.0, 2)])
def test_one_class_alone_gets_another_surface(tmp_path: Path, resurfaced: float, surface_id: int | None) -> None:
    sets = np.repeat(np.array([1, 2], np.uint8), 40)[None].repeat(80, axis=0)
    grey = np.full((80, 80, 3), 40, np.uint8)
    looks = Looks(untouched=1, resurfaced=resurfaced)
    cropping = Cropping(size_px=80, gsd_m=None, scale=(1.0, 1.0), looks=looks, surface_id=surface_id)
    sampler = _sampler([_pair(tmp_path, "half", grey, sets)], cropping)
    for step in range(10):
        crop = sampler.crop(step, 0)
        changed_HW = (crop.rgb_HW3 != 40).any(axis=2)
        assert not changed_HW[crop.sets_HW == 1].all()
        assert changed_HW[crop.sets_HW == 2].all() == (resurfaced == 1 and surface_id == 2)
        assert changed_HW.any() == (resurfaced == 1 and surface_id == 2)


@pytest.mark.parametrize("toned_ids", [(), (5,)])
def test_dark_and_bright_stay_where_a_class_is_told_by_them(tmp_path: Path, toned_ids: tuple[int, ...]) -> None:
    water = np.zeros((80, 80), np.uint8)
    water[:, :20] = 1 << 4
    dark = np.full((80, 80, 3), 40, np.uint8)
    cropping = Cropping(
        size_px=80, gsd_m=None, scale=(1.0, 1.0), looks=Looks(untouched=0, inverted=1), toned_ids=toned_ids
    )
    sampler = _sampler([_pair(tmp_path, "lake", dark, water)], cropping)
    assert {bool(sampler.crop(step, 0).rgb_HW3.mean() < 128) for step in range(10)} == {bool(toned_ids)}


def test_some_crops_keep_their_look() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    kept = sum(change(rgb, Looks(), np.random.default_rng(seed)) is rgb for seed in range(400))
    assert 0.33 < kept / 400 < 0.47


def test_no_change_of_looks_is_the_identity_to_rounding() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    still = Looks(
        untouched=0,
        inverted=0,
        gain=0,
        contrast=0,
        brightness=0,
        saturation=0,
        hue_deg=0,
        gamma_log2=0,
        blur_px=0.3,
        noise=0,
        jpeg_quality=90,
    )
    rng = np.random.default_rng(next(s for s in range(99) if (np.random.default_rng(s).random(5) >= 1 / 3).all()))
    assert np.abs(change(rgb, still, rng).astype(int) - rgb).max() <= 1


def test_pixels_go_to_unit_floats_and_back() -> None:
    every = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_uint8(to_unit(every)), every)
    assert to_unit(every).min() == -1
    assert to_unit(every).max() == 1
