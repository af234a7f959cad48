"""`earthloom map`: one image in, a georeferenced pyramid of maps out, resumable."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from earthloom.errors import UsageError
from earthloom.io.imagery import Imagery
from earthloom.io.sinks import IMAGES, check_name, check_output
from earthloom.io.sinks import outputs as files_of
from earthloom.io.stac import About, time_of
from earthloom.loom.loom import Progress
from earthloom.pipelines.bounds import no_ground
from earthloom.pipelines.plan import Picture, Plan, provenance_of
from earthloom.pipelines.run import RunOptions, may_replace, unfinished, weaving
from earthloom.pipelines.series import (
    Bounds,
    SeriesWeights,
    choose_zooms,
    map_grid,
    map_window,
    series_layers,
    warnings,
    zoom_windows,
)

log = logging.getLogger("earthloom")


@dataclass(frozen=True, slots=True, kw_only=True)
class MapOptions(RunOptions):
    """What a user can choose about a map."""

    zooms: tuple[int, int] | None = None
    """Zooms to write, in either order; None for the image's own (17 at most) down to 13."""

    bounds: Bounds | None = None
    """Part of the image to draw, left, bottom, right, top in its CRS."""


def plan_map(imagery: Imagery, weights: SeriesWeights, options: MapOptions) -> Plan:
    """Plan the maps of an image.

    Raises:
        UsageError: If a zoom does not exist, or the bounds miss the image.
        SourceError: If the image is too coarse for a map.
    """
    zooms = choose_zooms(imagery, options.zooms)
    layers = series_layers(imagery, weights, zooms, options.device)
    windows = zoom_windows(map_window(imagery, zooms.finest, options.bounds), zooms)
    return Plan(
        pictures=tuple(Picture(layer=layers[zoom], window=window, zoom=zoom) for zoom, window in windows.items()),
        provenance=provenance_of(
            imagery,
            weights,
            options,
            verb="map",
            strategy="series",
            zooms=list(zooms.written),
            bounds=options.bounds,
            halo_px=[weights.r2m.halo_px, weights.m2m.halo_px],
        ),
        about=About(
            when=time_of(imagery.path), architecture="Pix2PixHD", tasks=("semantic-segmentation", "generative")
        ),
        lossless=True,
    )


def draw_map(
    imagery: Imagery,
    outputs: Sequence[Path],
    weights: SeriesWeights,
    options: MapOptions,
    progress: Progress | None = None,
) -> list[Path]:
    """Draw the maps of an image and write them to every output.

    Finished blocks live in `OUTPUT.parts` beside the first output until all is written.

    Args:
        imagery: The image, inspected.
        outputs: Files or folders; the suffix chooses the format.
        weights: The generators.
        options: What the user chose.
        progress: Told of every finished block.

    Returns:
        All files written.

    Raises:
        UsageError: If an output exists or is of an unknown kind, or a stopped run lies in the way.
        EarthloomError: For whatever else keeps a map from being drawn; an old output is then still whole.
    """
    for path in outputs:
        check_name(path)
    zooms = choose_zooms(imagery, options.zooms)
    plan = plan_map(imagery, weights, options)
    tags = plan.provenance.tags()
    files = {path: files_of(path, zooms.written) for path in outputs}
    every = [file for held in files.values() for file in held]
    missing = set(unfinished(dict.fromkeys(every, tags), options))
    if not missing:
        return every
    left = {path: may_replace(held, tags, options) for path, held in files.items() if not missing.isdisjoint(held)}
    for path, overwrite in left.items():
        has_place = imagery.crs is not None
        check_output(path, overwrite=overwrite, zooms=zooms.written, has_place=has_place, source=imagery.path)
    empty = no_ground(imagery, map_grid(imagery, zooms.start), options.bounds)
    tiles = [path for path in left if path.suffix.lower() not in IMAGES]
    if empty and tiles:
        raise UsageError(f"{tiles[0]}: no tile would be in it: {empty[0]}")
    for line in [*warnings(imagery, zooms), *empty]:
        log.warning(line)
    with weaving(outputs, tags, options, progress) as loom:
        plan.make(loom)
        for path, overwrite in left.items():
            plan.write(path, loom, overwrite=overwrite)
    return every
