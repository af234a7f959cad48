"""From the class raster of a zoom to that of the next coarser zoom, by a written table.

What a cartographer does, on pixels: small patches go, near buildings become one block, roads keep a width that
can be seen, and short thin streets vanish at the coarse zooms. Id 0 is unknown ground and stays unknown.

Letters: K classes, H W pixels of the fine raster, h w of the coarse one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from earthloom.cartography.style import STYLE, UNKNOWN
from earthloom.errors import ShapeError

Mask = NDArray[np.bool_]

LAND, ROAD, BUILDING, VEGETATION, WATER = (STYLE.id_of(name) for name in STYLE.names)
EIGHT = np.ones((3, 3), bool)
"""Diagonal pixels touch."""

TIES = (BUILDING, WATER, VEGETATION, LAND)
"""Which class takes a block of 2x2 pixels that several share equally: the one that is harder to see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How the map of one zoom is drawn from that of the zoom above; all pixels are those of the drawn zoom."""

    land_px: int
    """Smallest patch of land that is kept."""

    building_px: int
    """Smallest building or block that is kept."""

    vegetation_px: int
    """Smallest patch of vegetation that is kept."""

    water_px: int
    """Smallest patch of water that is kept."""

    merge_px: int
    """Buildings with at most twice this many pixels between them become one block; 0 keeps them apart."""

    bridge: bool
    """Close gaps of one pixel in roads."""

    widen: bool
    """Draw every road at least two pixels wide."""

    main_px: int
    """Where not 0: roads narrower than this become lines of one pixel, and vanish inside blocks of buildings."""

    street_px: int
    """Connected roads of fewer pixels than this are left out."""


RULES: dict[int, Rule] = {
    16: Rule(
        land_px=6,
        building_px=6,
        vegetation_px=10,
        water_px=8,
        merge_px=0,
        bridge=True,
        widen=True,
        main_px=0,
        street_px=4,
    ),
    15: Rule(
        land_px=8,
        building_px=6,
        vegetation_px=12,
        water_px=8,
        merge_px=1,
        bridge=False,
        widen=True,
        main_px=0,
        street_px=6,
    ),
    14: Rule(
        land_px=10,
        building_px=10,
        vegetation_px=14,
        water_px=10,
        merge_px=2,
        bridge=False,
        widen=False,
        main_px=3,
        street_px=20,
    ),
    13: Rule(
        land_px=12,
        building_px=16,
        vegetation_px=16,
        water_px=12,
        merge_px=2,
        bridge=False,
        widen=False,
        main_px=3,
        street_px=24,
    ),
}
"""The table: zoom that is drawn -> rule."""


def generalize(ids_HW: NDArray[np.uint8], *, zoom: int) -> NDArray[np.uint8]:
    """Draw the map of `zoom` from the class raster of `zoom + 1`.

    Args:
        ids_HW: Class ids 0..5 of `zoom + 1`; 0 is unknown.
        zoom: 16, 15, 14 or 13.

    Returns:
        Class ids at half the size (odd sides round up); 0 where none of the four pixels is known.

    Raises:
        ShapeError: If no rule draws this zoom.
    """
    if zoom not in RULES:
        raise ShapeError(f"no rule draws zoom {zoom}; there are {', '.join(map(str, RULES))}")
    rule = RULES[zoom]
    votes_Khw = _votes(ids_HW)
    known_hw = votes_Khw.sum(0) > 0
    road_hw = _roads(votes_Khw[ROAD - 1] >= 2, _blocks(votes_Khw, rule), rule) & known_hw
    areas_hw = _areas(votes_Khw, road_hw, rule)
    drawn_hw = np.where(road_hw, ROAD, areas_hw)
    fallback_hw = votes_Khw.argmax(0) + 1
    drawn_hw = np.where(drawn_hw == UNKNOWN, fallback_hw, drawn_hw)
    return np.asarray(np.where(known_hw, drawn_hw, UNKNOWN), np.uint8)


def _votes(ids_HW: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count the classes of every 2x2 block, `(K, h, w)`; pixels beyond an odd edge are unknown."""
    even_HW = np.pad(ids_HW, [(0, side % 2) for side in ids_HW.shape], constant_values=UNKNOWN)
    blocks_4hw = np.stack([even_HW[row::2, col::2] for row in (0, 1) for col in (0, 1)])
    return np.stack([(blocks_4hw == each.id).sum(0) for each in STYLE.classes])


def _blocks(votes_Khw: NDArray[np.int64], rule: Rule) -> Mask:
    """Blocks of merged buildings, as if streets were no obstacle."""
    return _close(votes_Khw[BUILDING - 1] >= 2, rule.merge_px)


def _roads(road_hw: Mask, blocks_hw: Mask, rule: Rule) -> Mask:
    """Bridge gaps, leave out short and inner streets, bring the rest to a width that can be seen."""
    road_hw = _close(road_hw, 1) if rule.bridge else road_hw
    if rule.main_px:
        wide_hw = _without_small(_open(road_hw, rule.main_px), rule.street_px)
        road_hw = wide_hw | (_thin(road_hw) & ~blocks_hw)
    road_hw = _without_small(road_hw, rule.street_px)
    if not rule.widen:
        return road_hw
    thin_hw = road_hw & ~_open(road_hw, 2)
    return np.asarray(road_hw | ndimage.binary_dilation(thin_hw, np.ones((2, 2), bool)))


def _areas(votes_Khw: NDArray[np.int64], road_hw: Mask, rule: Rule) -> NDArray[np.integer]:
    """Give every block an area class as if there were no roads; 0 where nothing is near to take it from."""
    order = np.array(TIES)
    shares_4hw = votes_Khw[order - 1]
    ids_hw = np.where(shares_4hw.sum(0) > 0, order[shares_4hw.argmax(0)], UNKNOWN)
    open_ground_hw = np.isin(ids_hw, (UNKNOWN, LAND, VEGETATION)) & ~road_hw
    ids_hw = np.where(_blocks(votes_Khw, rule) & open_ground_hw, BUILDING, ids_hw)
    smallest = {VEGETATION: rule.vegetation_px, WATER: rule.water_px, BUILDING: rule.building_px, LAND: rule.land_px}
    for class_id, px in smallest.items():
        mine_hw = ids_hw == class_id
        ids_hw = _filled(np.where(mine_hw & ~_without_small(mine_hw, px), UNKNOWN, ids_hw), ids_hw)
    return _filled(ids_hw, ids_hw)


def _filled(ids_hw: NDArray[np.integer], before_hw: NDArray[np.integer]) -> NDArray[np.integer]:
    """Give unknown pixels the class of the nearest known one; without any, all stays as it was before."""
    empty_hw = ids_hw == UNKNOWN
    if not empty_hw.any():
        return ids_hw
    if empty_hw.all():
        return before_hw
    rows, cols = ndimage.distance_transform_edt(empty_hw, return_distances=False, return_indices=True)
    return np.asarray(ids_hw[rows, cols])


def _without_small(mask_hw: Mask, px: int) -> Mask:
    """Drop patches of fewer than `px` pixels."""
    labels_hw, _ = ndimage.label(mask_hw, EIGHT)
    sizes = np.bincount(labels_hw.ravel())
    return np.asarray(mask_hw & (sizes >= px)[labels_hw])


def _close(mask_hw: Mask, px: int) -> Mask:
    """Close gaps of up to 2 px; ground beyond the edge counts as inside, so that edges do not erode."""
    if px == 0:
        return mask_hw
    grown_hw = ndimage.binary_dilation(mask_hw, EIGHT, iterations=px)
    return np.asarray(ndimage.binary_erosion(grown_hw, EIGHT, iterations=px, border_value=1)) | mask_hw


def _open(mask_hw: Mask, px: int) -> Mask:
    """Keep what a square of `px` pixels fits into; ground beyond the edge counts as inside."""
    padded_hw = np.pad(mask_hw, px, mode="edge")
    opened_hw = ndimage.binary_opening(padded_hw, np.ones((px, px), bool))
    return np.asarray(opened_hw[px:-px, px:-px])


def _thin(mask_hw: Mask) -> Mask:
    """Thin to lines of one pixel that connect what was connected (Zhang and Suen 1984)."""
    while True:
        before_hw = mask_hw
        for first in (True, False):
            mask_hw = mask_hw & ~_removable(mask_hw, first=first)
        if np.array_equal(before_hw, mask_hw):
            return mask_hw


def _removable(mask_hw: Mask, *, first: bool) -> Mask:
    """Pixels of an outline that one of the two half-passes of Zhang and Suen takes away."""
    height, width = mask_hw.shape
    padded = np.pad(mask_hw, 1)
    around = ((0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0), (0, 0))
    ring_8hw = np.stack([padded[row : row + height, col : col + width] for row, col in around])
    neighbours_hw = ring_8hw.sum(0)
    rises_hw = (~ring_8hw & np.roll(ring_8hw, -1, 0)).sum(0)
    north, east, south, west = ring_8hw[::2]
    corners = (
        (north & east & south) | (east & south & west) if first else (north & east & west) | (north & south & west)
    )
    return np.asarray(mask_hw & (neighbours_hw >= 2) & (neighbours_hw <= 6) & (rises_hw == 1) & ~corners)
