"""`earthloom verify`: is a map what its provenance says? Random blocks are woven again and compared."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from earthloom.errors import SourceError
from earthloom.execution.executor import Threads
from earthloom.geo.windows import Window
from earthloom.io.describe import describe
from earthloom.io.imagery import Imagery
from earthloom.io.inputs import inspect
from earthloom.io.source import Source
from earthloom.io.tile_set import TileSet
from earthloom.loom.layer import Block
from earthloom.loom.loom import Loom
from earthloom.loom.store import Store
from earthloom.pipelines.device import Device
from earthloom.pipelines.map import MapOptions, MapPlan, plan_map
from earthloom.pipelines.scratch import Scratch
from earthloom.pipelines.series import SeriesWeights


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One block, woven again."""

    zoom: int
    """Its zoom."""

    row: int
    """Of the layer's lattice."""

    col: int
    """Of the layer's lattice."""

    pixels: int
    """Pixels compared."""

    differing: int
    """Those with another colour or mask."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found."""

    claims: Mapping[str, tuple[str, str]]
    """Tags that differ: what the file says, and what holds here."""

    blocks: Sequence[Checked]
    """The blocks that were compared."""

    @property
    def holds(self) -> bool:
        """Whether every block was made again pixel for pixel."""
        return bool(self.blocks) and not any(block.differing for block in self.blocks)

    def facts(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        claims = {key: {"file": there, "here": here} for key, (there, here) in self.claims.items()}
        return {"holds": self.holds, "differs": claims, "blocks": [asdict(block) for block in self.blocks]}


def verify(
    path: Path, *, source: Path | None, model: str | None, num_blocks: int, seed: int, device: Device, workers: int
) -> Verdict:
    """Weave random blocks of a map again, from what its provenance names, and compare.

    Args:
        path: A map that Earthloom made.
        source: The image it was made of; None looks for a file of the recorded name beside the map.
        model: Weights; None takes the recorded name.
        num_blocks: How many blocks, at least 1.
        seed: Of the choice of blocks.
        device: Where to compute.
        workers: Windows drawn at once.

    Raises:
        SourceError: If the file carries no provenance of a map, or its image is not to be found.
        ModelError: If the weights are not to be found.
    """
    tags = describe(path)["tags"]
    parameters = _parameters(path, tags)
    imagery = _image(path, source, tags["EARTHLOOM_INPUT"], parameters)
    weights = SeriesWeights.read(model or tags["EARTHLOOM_MODEL"])
    bounds = parameters["bounds"]
    options = MapOptions(
        zooms=(max(parameters["zooms"]), min(parameters["zooms"])),
        bounds=None if bounds is None else tuple(bounds),
        device=device,
        workers=workers,
        batch=int(tags["EARTHLOOM_BATCH"]),
        seed=int(tags["EARTHLOOM_SEED"]),
    )
    plan = plan_map(imagery, weights, options)
    here = plan.provenance.tags()
    claims = {key: (tags.get(key, "nothing"), here[key]) for key in here if tags.get(key) != here[key]}
    drawn = _drawn(path, plan)
    scratch = Scratch()
    with Store(scratch.path / "blocks") as store:
        loom = Loom(store, Threads(workers), batch=options.call_batch)
        chosen = _choose(plan, drawn, num_blocks, np.random.default_rng(seed))
        return Verdict(claims=claims, blocks=[_compare(loom, plan, drawn, zoom, block) for zoom, block in chosen])


def _parameters(path: Path, tags: Mapping[str, str]) -> dict[str, Any]:
    """Return the recorded parameters of a map."""
    try:
        parameters: dict[str, Any] = json.loads(tags["EARTHLOOM_PARAMETERS"])
        known = parameters["verb"] == "map" and {"zooms", "bounds", "bands", "gsd_m", "scale"} <= parameters.keys()
    except (KeyError, ValueError, TypeError):
        known = False
    if not known:
        raise SourceError(f"{path}: carries no provenance of a map: verify what `earthloom map` made")
    return parameters


def _image(path: Path, source: Path | None, name: str, parameters: Mapping[str, Any]) -> Imagery:
    """Return the image a map was made of, read as it was then."""
    found = source or path.parent / name
    if not found.exists():
        raise SourceError(f"{found}: no such file, and {path} was made of it: name the image with --input")
    placeless = describe(found).get("crs", "") is None
    scale = parameters["scale"]
    return inspect(
        found,
        bidx=tuple(parameters["bands"]),
        gsd_m=parameters["gsd_m"] if placeless else None,
        scale=None if scale is None else tuple(scale),
    )


def _drawn(path: Path, plan: MapPlan) -> dict[int, Source]:
    """Return the file's own pixels by zoom: all zooms of an archive, the one of an image."""
    made: dict[int, Source] = {}
    for zoom, window in plan.windows.items():
        grid = plan.layers[zoom].grid
        file = inspect(path, gsd_m=None if grid.crs is not None else grid.transform.a)
        same = (file.width, file.height) == (window.width, window.height) and file.on(grid).grid.extent == window
        if same or isinstance(file, TileSet):
            made[zoom] = file.on(grid)
    if not made:
        raise SourceError(f"{path}: has not the size its provenance says: it was cut or resampled since")
    return made


def _choose(
    plan: MapPlan, drawn: Mapping[int, Source], count: int, rng: np.random.Generator
) -> Iterator[tuple[int, Block]]:
    """Give random blocks, of the whole file alike, that show any ground."""
    every = [(zoom, block) for zoom in drawn for block in plan.layers[zoom].blocks(plan.windows[zoom])]
    shown = (
        (zoom, block)
        for zoom, block in (every[index] for index in rng.permutation(len(every)))
        if drawn[zoom].read(_part(plan, zoom, block)).mask.any()
    )
    return islice(shown, count)


def _part(plan: MapPlan, zoom: int, block: Block) -> Window:
    return plan.layers[zoom].window_of(block).intersection(plan.windows[zoom])


def _compare(loom: Loom, plan: MapPlan, drawn: Mapping[int, Source], zoom: int, block: Block) -> Checked:
    window = _part(plan, zoom, block)
    there, here = drawn[zoom].read(window), loom.open(plan.layers[zoom]).read(window)
    differs_HW = (there.mask != here.mask) | ((there.pixels != here.pixels).any(axis=0) & here.mask)
    row, col = block
    return Checked(zoom=zoom, row=row, col=col, pixels=differs_HW.size, differing=int(differs_HW.sum()))
