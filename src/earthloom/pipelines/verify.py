"""`earthloom verify`: is a file what its provenance says? Random blocks are woven again and compared."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from earthloom.errors import SourceError
from earthloom.execution.executor import Threads
from earthloom.geo.windows import Window
from earthloom.io.inputs import inspect
from earthloom.io.provenance import differences
from earthloom.io.source import Source
from earthloom.io.tile_set import TileSet
from earthloom.loom.layer import Block
from earthloom.loom.loom import Loom
from earthloom.loom.store import Store
from earthloom.pipelines.device import Device
from earthloom.pipelines.plan import Picture, Plan
from earthloom.pipelines.recorded import Recorded
from earthloom.pipelines.scratch import Scratch


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One block, woven again."""

    zoom: int | None
    """Its zoom; None off the web map."""

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


@dataclass(frozen=True, slots=True)
class _Part:
    """A block's own pixels, in the plan and in the file."""

    picture: Picture
    drawn: Source
    block: Block
    window: Window


def verify(
    path: Path, *, source: Path | None, model: str | None, num_blocks: int, seed: int, device: Device, workers: int
) -> Verdict:
    """Weave random blocks of a file again, from what its provenance names, and compare.

    Args:
        path: A file that Earthloom made.
        source: The image it was made of; None looks for a file of the recorded name beside it.
        model: Weights; None takes the recorded name.
        num_blocks: How many blocks, at least 1.
        seed: Of the choice of blocks.
        device: Where to compute.
        workers: Windows made at once.

    Raises:
        SourceError: If the file carries no provenance to weave it by, its image is not to be found, or the two do not
            fit each other.
        ModelError: If the weights are not to be found.
    """
    recorded = Recorded.read(path)
    imagery = recorded.image(source)
    plan = recorded.plan(imagery, model, device)
    claims = differences(recorded.tags, plan.provenance.tags())
    drawn = _drawn(path, plan)
    if not drawn:
        raise SourceError(recorded.mismatch(imagery))
    scratch = Scratch()
    with Store(scratch.path / "blocks") as store:
        loom = Loom(store, Threads(workers), batch=plan.provenance.batch)
        checked = (_compare(loom, part) for part in _parts(drawn, np.random.default_rng(seed)))
        return Verdict(claims=claims, blocks=list(islice(filter(None, checked), num_blocks)))


def _parts(found: Sequence[tuple[Picture, Source]], rng: np.random.Generator) -> Iterator[_Part]:
    """Give the blocks of a file in random order, all scales alike."""
    every = [_Part(picture, drawn, block, window) for picture, drawn in found for block, window in picture.parts()]
    return (every[index] for index in rng.permutation(len(every)))


def _drawn(path: Path, plan: Plan) -> list[tuple[Picture, Source]]:
    """Return the file's own pixels by picture: all of an archive, the one of an image; none where no size fits."""
    found: list[tuple[Picture, Source]] = []
    for picture in plan.pictures:
        grid, window = picture.grid, picture.window
        file = inspect(path, gsd_m=grid.transform.a if grid.crs is None else 1.0)
        if (file.crs is None) != (grid.crs is None):
            return []
        same = (file.width, file.height) == (window.width, window.height) and file.on(grid).grid.extent == window
        if same or isinstance(file, TileSet):
            found.append((picture, file.on(grid)))
    return found


def _compare(loom: Loom, part: _Part) -> Checked | None:
    """Compare a block; None where there is no ground, neither in the file nor woven again."""
    there, here = part.drawn.read(part.window), part.picture.level(loom).source.read(part.window)
    if not (there.mask.any() or here.mask.any()):
        return None
    differs_HW = (there.mask != here.mask) | ((there.pixels != here.pixels).any(axis=0) & here.mask)
    row, col = part.block
    return Checked(zoom=part.picture.zoom, row=row, col=col, pixels=differs_HW.size, differing=int(differs_HW.sum()))
