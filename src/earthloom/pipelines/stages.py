"""A cascade as a stack of layers: stage after stage four times as fine, each of one or several phases."""

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil, log
from typing import Literal, get_args

from affine import Affine

from earthloom.errors import SourceError, UsageError
from earthloom.geo.grid import Grid
from earthloom.io.source import Source
from earthloom.loom.blend import Profile
from earthloom.loom.layer import Input, Layer
from earthloom.models.metaearth.config import FACTOR
from earthloom.nn.diffusion import NUM_STEPS
from earthloom.nn.sampling import spaced_times
from earthloom.pipelines.denoise import SPACINGS, CascadeWeights, Denoise, Noise, SamplerName
from earthloom.pipelines.device import Device

Merge = Literal["crop", "hann", "multidiffusion"]
"""How windows become one canvas: their central halves; a raised cosine over the overlap; the mean at every step."""

TOLERANCE = 1.05
"""A resolution this near to a stage's own is taken as that."""

MOST_STAGES = 6

FAR = 1.6
"""A stage that makes pixels this much finer or coarser than any it learned is said to be off its ground."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How a stage gets from noise to a picture."""

    steps: int = 8
    """Steps of the sampler."""

    phases: int = 1
    """Parts they are cut into; between two of them the windows' states are blended."""

    sampler: SamplerName = "dpm"
    """`dpm`: second order, quadratic steps, few do; `ddim`: even steps, as published."""

    noise: Noise = "canvas"
    """Whose noise a window starts from."""

    merge: Merge = "crop"
    """How windows become one canvas."""

    consistent: bool = True
    """Whether the result averages down to what it was made of."""

    def __post_init__(self) -> None:
        """Refuse what cannot be sampled."""
        for option, known in (("sampler", SamplerName), ("noise", Noise), ("merge", Merge)):
            if (asked := getattr(self, option)) not in get_args(known):
                raise UsageError(f"--{option} {asked!r} is not one of {', '.join(get_args(known))}")
        for option in ("steps", "phases"):
            try:
                object.__setattr__(self, option, operator.index(asked := getattr(self, option)))
            except TypeError as error:
                raise UsageError(f"--{option} {asked!r}: want a whole number") from error
        if type(self.consistent) is not bool:
            raise UsageError(f"--consistent {self.consistent!r}: want True or False")
        if not 1 <= self.steps <= NUM_STEPS:
            raise UsageError(f"--steps {self.steps}: want 1 to {NUM_STEPS}")
        if not 1 <= self.phases <= self.steps:
            raise UsageError(f"--phases {self.phases}: want 1 to {self.steps}, the number of steps")
        if self.phases > 1 and self.merge == "multidiffusion":
            raise UsageError(f"--phases {self.phases}: multidiffusion blends after every step; leave --phases out")

    def ways(self) -> tuple[tuple[int, ...], ...]:
        """Return the times of each phase; one begins where the one before ended."""
        times = spaced_times(self.steps, SPACINGS[self.sampler])
        count = self.steps if self.merge == "multidiffusion" else self.phases
        cuts = [round(index * self.steps / count) for index in range(count + 1)]
        return tuple(times[first : last + 1] for first, last in pairwise(cuts))


def num_stages(gsd_m: float, res_m: float) -> int:
    """Return how many stages it takes from pixels of `gsd_m` to pixels no larger than `res_m`.

    Raises:
        SourceError: If none, or more than any imagery can bear.
    """
    if gsd_m <= res_m * TOLERANCE:
        raise SourceError(
            f"--res {res_m:g}: the image has pixels of {gsd_m:.3g} m already, or nearly; ask for finer ones"
        )
    stages = ceil(log(gsd_m / (res_m * TOLERANCE), FACTOR))
    if stages > MOST_STAGES:
        raise SourceError(
            f"--res {res_m:g}: {stages} stages from {gsd_m:.3g} m, want at most {MOST_STAGES}, "
            f"that is {gsd_m / FACTOR**MOST_STAGES:.3g} m"
        )
    return stages


def averaging(gsd_m: float, res_m: float) -> float:
    """Return how many pixels of the last stage lie along one of `res_m`; 1 where the two are near enough."""
    ratio = res_m * FACTOR ** num_stages(gsd_m, res_m) / gsd_m
    return 1.0 if ratio < TOLERANCE else ratio


def warnings(gsd_m: float, weights: CascadeWeights, res_m: float) -> list[str]:
    """Say in one line each which stages make what the weights never learned, and a resolution that no stage makes."""
    lines = []
    made_m = gsd_m
    for stage in range(1, num_stages(gsd_m, res_m) + 1):
        made_m /= FACTOR
        if weights.levels_m and not any(level / FAR <= made_m <= level * FAR for level in weights.levels_m):
            known = ", ".join(f"{level:g}" for level in weights.levels_m)
            lines.append(f"stage {stage} makes {made_m:.3g} m pixels; the weights learned {known} m")
    if averaging(gsd_m, res_m) != 1.0:
        lines.append(f"made at {made_m:.3g} m, averaged to {res_m:.3g} m: a stage is always {FACTOR} times as fine")
    return lines


def cascade_layers(
    source: Source, gsd_m: float, count: int, weights: CascadeWeights, sampling: Sampling, *, seed: int, device: Device
) -> tuple[Layer, ...]:
    """Stack the stages of a cascade; each is quantised to uint8 before the next reads it.

    Args:
        source: The imagery on its own grid.
        gsd_m: Its metres a pixel.
        count: How many stages.
        weights: The denoiser of all stages.
        sampling: How each samples.
        seed: Of the world.
        device: Where.

    Returns:
        The last layer of every stage, the first stage first.
    """
    made: list[Layer] = []
    below: Input = source
    for stage in range(count):
        guide_m = gsd_m / FACTOR**stage
        steps = [
            Denoise(
                weights=weights,
                device=device,
                ground=below.grid.within(None),
                gsd_m=guide_m,
                times=times,
                sampler=sampling.sampler,
                noise=sampling.noise,
                seed=seed,
                stage=stage,
                consistent=sampling.consistent,
            )
            for times in sampling.ways()
        ]
        made.append(_stage(below, steps, sampling.merge, name=f"{guide_m / FACTOR:.3g} m"))
        below = made[-1]
    return tuple(made)


def _stage(below: Input, steps: Sequence[Denoise], merge: Merge, *, name: str) -> Layer:
    """Stack the phases of a stage: windows that overlap by half, their states blended in between."""
    grid, window_px = below.grid, steps[0].weights.config.window_px
    fine = Grid(crs=grid.crs, transform=grid.transform @ Affine.scale(1 / FACTOR))
    extent = None if grid.extent is None else grid.extent.scaled(Fraction(FACTOR))
    half, quarter = window_px // 2, window_px // 4
    profile: Profile = "flat" if merge == "multidiffusion" else "hann"
    states: tuple[Layer, ...] = ()
    for index, step in enumerate(steps):
        is_last = index == len(steps) - 1
        states = (
            Layer(
                name=name if is_last else f"{name}, phase {index + 1}",
                grid=fine.within(extent) if is_last else fine,
                inputs=(below, *states),
                step=step,
                block_px=half,
                halo_px=quarter,
                overlap_px=0 if is_last and merge == "crop" else quarter,
                blend=profile,
                dtype="uint8" if is_last else "float32",
            ),
        )
    return states[0]
