"""What all tables of MetaEarth share: weights, held-out ground, features, and how much is to be made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path

from earthloom.data.catalog import ImageBlock
from earthloom.data.levels import by_level
from earthloom.errors import UsageError
from earthloom.loom.loom import Progress
from earthloom.metrics.features import Features
from earthloom.pipelines.denoise import CascadeWeights
from earthloom.pipelines.run import RunOptions
from earthloom.pipelines.stages import Sampling
from earthloom.studies.report import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much is made; more of it narrows the intervals."""

    pictures: int = 128
    """Pictures of a level, in tables 1, 4 and 5."""

    seam_pictures: int = 24
    """Pictures woven for seams; the paper took 750."""

    curve_steps: tuple[int, ...] = (1, 2, 4, 8, 16, 50)
    """Numbers of sampling steps compared."""

    worlds: int = 5
    """Generated versions of every training picture of a class."""

    trainings: int = 3
    """Seeds of every classifier."""

    epochs: int = 30
    """Passes of a classifier over the real pictures; with generated ones added it takes as many steps."""

    planet_stages: int = 2
    """Stages of the cascade on another planet."""

    def __post_init__(self) -> None:
        """Refuse what makes nothing."""
        for name, option in (("pictures", "--n"), ("seam_pictures", "--n"), ("epochs", "--epochs")):
            if getattr(self, name) < 1:
                raise UsageError(f"{option} {getattr(self, name)}: want at least 1")


QUICK = Effort(pictures=12, seam_pictures=1, curve_steps=(1, 2), worlds=1, trainings=1, epochs=1, planet_stages=1)
"""Does everything run? The figures mean nothing yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """The inputs of a reproduction; what is None makes the tables that need it say so."""

    weights: CascadeWeights
    """The denoiser."""

    without: CascadeWeights | None
    """One trained alike, told no resolution."""

    features: Features | None
    """What pictures look like."""

    blocks: tuple[ImageBlock, ...]
    """Real imagery of all splits."""

    classes: Path | None
    """A folder of class pictures with `split.csv`."""

    classes_gsd_m: float
    """Metres a pixel of these, as far as anybody knows."""

    folder: Path
    """Where report and pictures go."""

    credits: tuple[str, ...]
    """Whom the imagery is owed to."""

    options: RunOptions
    """Where, with how many workers, and the seed."""

    sampling: Sampling = field(default_factory=Sampling)
    """How pictures are made, where a table does not compare ways."""

    effort: Effort = field(default_factory=Effort)
    """How much."""

    progress: Progress | None = None
    """Told of every finished block and training."""

    keep: Callable[[Table], object] = lambda table: None
    """Given a table that is not finished, to write down what is."""

    def __post_init__(self) -> None:
        """Refuse a resolution that is none, and two denoisers that cannot be compared."""
        if not 0.0 < self.classes_gsd_m < inf:
            raise UsageError(f"--classes-gsd {self.classes_gsd_m:g}: give metres a pixel above 0")
        without = self.without
        if without is None:
            return
        if without.config.resolution != "none":
            raise UsageError(f"--without {without.name} is told the resolution too: name one trained without")
        if without.config.window_px != self.weights.config.window_px:
            sizes = f"{without.config.window_px} and {self.weights.config.window_px}"
            raise UsageError(f"--without {without.name} makes blocks of another size than --model ({sizes} px)")

    @property
    def window_px(self) -> int:
        """Side of the block that one call makes."""
        return self.weights.config.window_px

    def seeded(self, seed: int) -> "Study":
        """Return the same study with another seed."""
        return replace(self, options=replace(self.options, seed=seed))

    def levels(self) -> Mapping[float, list[ImageBlock]]:
        """Return the blocks by level, coarsest first: the levels the weights learned, else those of the blocks."""
        levels_m = self.weights.levels_m or {block.gsd_m for block in self.blocks}
        return by_level(self.blocks, sorted(levels_m, reverse=True))

    def held_out(self) -> Mapping[float, list[ImageBlock]]:
        """Return the blocks of `levels` that no training has seen."""
        return {
            level_m: [each for each in blocks if each.split != "train"] for level_m, blocks in self.levels().items()
        }
