"""`earthloom cascade`: coarse imagery in, finer imagery out, four times as fine a stage, without bounds, resumable."""

import logging
from collections.abc import Sequence
from pathlib import Path

from earthloom.errors import UsageError
from earthloom.io.imagery import Imagery
from earthloom.io.sinks import IMAGES, check_name, check_output
from earthloom.loom.loom import Progress
from earthloom.pipelines.bounds import no_ground
from earthloom.pipelines.cascade_plan import CascadeOptions, outputs, plan_cascade
from earthloom.pipelines.denoise import CascadeWeights
from earthloom.pipelines.run import unfinished, weaving
from earthloom.pipelines.stages import warnings

log = logging.getLogger("earthloom")


def make_cascade(
    imagery: Imagery,
    out: Path,
    weights: CascadeWeights,
    options: CascadeOptions,
    progress: Progress | None = None,
) -> list[Path]:
    """Make finer imagery of an image, on the image's own CRS and grid.

    Finished blocks of all stages live in `OUT.parts` until all is written, so memory does not grow with the area.

    Args:
        imagery: The image, inspected.
        out: `.tif` (COG) or `.png`; world i of several lies beside it as NAME_world1.tif, their spread as NAME_std.tif.
        weights: The denoiser.
        options: What the user chose.
        progress: Told of every finished block.

    Returns:
        All files written.

    Raises:
        UsageError: If an output exists or is of another kind, or a stopped run lies in the way.
        EarthloomError: For whatever else keeps it from being made; an old output is then still whole.
    """
    check_name(out)
    plans = dict(zip(outputs(out, options), plan_cascade(imagery, weights, options), strict=True))
    left = unfinished({path: plan.provenance.tags() for path, plan in plans.items()}, options)
    _check(imagery, left, options)
    if left:
        lines = warnings(imagery.gsd_m, weights, options.res_of(imagery.gsd_m))
        for line in [*imagery.caveats, *lines, *no_ground(imagery, imagery.grid, options.bounds)]:
            log.warning(line)
        with weaving([out], plans[out].provenance.tags(), options, progress) as loom:
            for path in left:
                plans[path].make(loom)
                plans[path].write(path, loom, overwrite=options.overwrite)
    return list(plans)


def _check(imagery: Imagery, files: Sequence[Path], options: CascadeOptions) -> None:
    """Refuse outputs before any work is done for them."""
    for file in files:
        if file.suffix.lower() not in IMAGES:
            names = " or ".join(f"NAME{suffix}" for suffix in IMAGES)
            raise UsageError(f"{file}: a cascade keeps the image's own grid: write {names}")
        check_output(file, overwrite=options.overwrite, source=imagery.path)
