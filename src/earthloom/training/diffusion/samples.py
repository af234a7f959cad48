"""What a denoiser learns from: pictures fine and coarse, each with the step and the noise it is shown at.

Letters: B batch, h w coarse pixels, H W = 4h 4w.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from earthloom.data.catalog import ImageBlock
from earthloom.data.degradations import DEGRADE, average, degrade
from earthloom.data.levels import LevelSampler, by_level
from earthloom.errors import DataError
from earthloom.models.metaearth.config import FACTOR
from earthloom.nn.diffusion import NUM_STEPS
from earthloom.training.diffusion.config import DiffusionConfig

NOISE = 1
"""Sets the chance of steps and noise apart from that of the pictures."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Samples:
    """What is seen at once, as arrays: they cross from process to process without shared memory."""

    hr_BHW3: NDArray[np.uint8]
    """Fine pixels."""

    lr_Bhw3: NDArray[np.uint8]
    """Coarse pixels."""

    gsd_B: NDArray[np.float32]
    """Metres per coarse pixel."""

    t_B: NDArray[np.int64]
    """Steps of the diffusion, 0..999."""

    noise_BHW3: NDArray[np.float32]
    """Unit noise."""


def draw(sampler: LevelSampler, step: int, indices: range, *, t: Sequence[int] | None = None) -> Samples:
    """Return samples of a training step: a pure function of the sampler's seed, step and indices.

    Args:
        sampler: Draws the pictures.
        step: Of the training.
        indices: Of the samples.
        t: Steps of the diffusion; drawn evenly if not given.
    """
    drawn = [sampler.sample(step, index) for index in indices]
    chances = [np.random.default_rng([sampler.seed, step, index, NOISE]) for index in indices]
    evenly = [int(rng.integers(NUM_STEPS)) for rng in chances]
    return Samples(
        hr_BHW3=np.stack([sample.hr_HW3 for sample in drawn]),
        lr_Bhw3=np.stack([sample.lr_HW3 for sample in drawn]),
        gsd_B=np.array([sample.gsd_m * FACTOR for sample in drawn], np.float32),
        t_B=np.array(evenly if t is None else t),
        noise_BHW3=np.stack([rng.standard_normal(drawn[0].hr_HW3.shape, np.float32) for rng in chances]),
    )


def training_sampler(config: DiffusionConfig, blocks: Sequence[ImageBlock]) -> LevelSampler:
    """Return what draws from the blocks of the train split, all levels evenly.

    Raises:
        DataError: If there are none, or none of a level.
    """
    train = [each for each in blocks if each.split == "train"]
    if not train:
        raise DataError("no block of the catalogs is in the train split; add a catalog that has some")
    return _sampler(config, train, config.levels_m, seed=config.seed)


def judging_samplers(config: DiffusionConfig, blocks: Sequence[ImageBlock]) -> dict[float, LevelSampler]:
    """Return what draws from each level that has blocks in the val split; alike in every run."""
    members = by_level([each for each in blocks if each.split == "val"], config.levels_m)
    return {level_m: _sampler(config, val, [level_m], seed=0) for level_m, val in members.items() if val}


def _sampler(
    config: DiffusionConfig, blocks: Sequence[ImageBlock], levels_m: Sequence[float], *, seed: int
) -> LevelSampler:
    coarsen = partial(_coarsen, clean_share=config.clean_share)
    return LevelSampler(blocks, levels_m=levels_m, size_px=config.crop_px, degrade=coarsen, seed=seed)


def _coarsen(hr_HW3: NDArray[np.uint8], rng: np.random.Generator, *, clean_share: float) -> NDArray[np.uint8]:
    return average(hr_HW3) if rng.random() < clean_share else degrade(hr_HW3, DEGRADE, rng)
