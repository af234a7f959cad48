"""Learning rates as functions of the step of a phase, relative to its peak."""

import math
from typing import Literal

RISE = 0.05
"""Share of a phase in which `cosine` and `linear` rise from 0."""

Schedule = Literal["cosine", "linear", "constant", "half"]
"""`cosine`: rise, then a half wave to a hundredth; `linear`: rise, then straight to 0; `constant`;
`half`: constant for the first half, then straight to 0 (as published for Pix2PixHD)."""


def factor(schedule: Schedule, step: int, steps: int) -> float:
    """Return the factor on the peak rate in step `step` (0-based) of `steps`, in (0, 1]."""
    done, left = (step + 1) / steps, (steps - step) / steps
    if schedule == "constant":
        return 1.0
    if schedule == "half":
        return min(1.0, 2.0 * left)
    if done < RISE:
        return done / RISE
    if schedule == "linear":
        return min(1.0, left / (1.0 - RISE))
    return _half_wave((done - RISE) / (1.0 - RISE))


def risen(schedule: Literal["constant", "cosine"], step: int, steps: int, *, rise_steps: int) -> float:
    """Return the factor on the peak rate in step `step` (0-based) of `steps`, the first `rise_steps` rising from 0.

    After them `cosine` falls by a half wave to a hundredth, `constant` stays.
    """
    if step < rise_steps:
        return (step + 1) / rise_steps
    return 1.0 if schedule == "constant" else _half_wave((step + 1 - rise_steps) / (steps - rise_steps))


def _half_wave(done: float) -> float:
    """Fall from 1 to a hundredth while `done` grows from 0 to 1."""
    return 0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * done))
