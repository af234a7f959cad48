"""What every run is decided by, and `--set key=value` on top of a recipe."""

import difflib
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from math import isfinite
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from earthloom.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig(ABC):
    """A run of any regime: equal configurations, data and seeds give equal losses on equal machines."""

    model: str
    """Preset of the regime's networks."""

    crop_px: int = 256
    """Side of a training crop."""

    batch: int = 4
    """Crops that one process sees at once."""

    accumulate: int = 1
    """Batches whose gradients make one step: a larger batch in the same memory."""

    clip_norm: float | None = None
    """Longest gradient a step may take; none: as it comes."""

    weight_decay: float = 1e-2
    """Of AdamW."""

    ema_decay: float = 0.998
    """Of the averaged network, which is what is validated and saved."""

    licence: str = "not stated"
    """Licence of the weights, as everything made with them will say."""

    checkpoint_every: int = 250
    """Steps between checkpoints; one is always written at the end."""

    validate_every: int = 0
    """Steps between validations; 0: at the end of each phase only."""

    select: str | None = None
    """A figure of the validation: the weights that were best at it are kept; none: the last."""

    seed: int = 0
    """Of weights and samples."""

    def __post_init__(self) -> None:
        """Reject what cannot run."""
        require(self, 1, "crop_px", "batch", "accumulate", "checkpoint_every")
        require(self, 0, "validate_every", "seed", "weight_decay")
        if not 0.0 <= self.ema_decay < 1.0:
            raise UsageError(f"ema_decay is {self.ema_decay}, want at least 0 and below 1")
        if self.clip_norm is not None and self.clip_norm <= 0.0:
            raise UsageError(f"clip_norm is {self.clip_norm}, want more than 0, or none")

    @property
    @abstractmethod
    def num_steps(self) -> int:
        """Steps of all phases."""

    @abstractmethod
    def phase(self, step: int) -> str:
        """Name the phase of step `step` (0-based)."""

    @abstractmethod
    def learning_rate(self, step: int) -> float:
        """Return the learning rate of step `step` (0-based)."""


C = TypeVar("C", bound=TrainConfig)


def require(config: TrainConfig, least: int, *names: str) -> None:
    """Refuse fields below the least value they can have.

    Raises:
        UsageError: Naming the first of them.
    """
    for name in names:
        if getattr(config, name) < least:
            raise UsageError(f"{name} is {getattr(config, name)}, want at least {least}")


def override(config: C, settings: Iterable[str]) -> C:
    """Apply `key=value` settings; values are read as the field's type.

    Tuples are `0.6,1.6`, pack weights `dubai:0.5,oam:0.2`, absent values `none`.

    Raises:
        UsageError: If a setting is no `key=value`, the key is unknown or the value is not of its type.
    """
    hints = get_type_hints(type(config))
    changes: dict[str, Any] = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not (key and equals):
            raise UsageError(f"--set {setting!r} is not key=value")
        if key not in hints:
            raise UsageError(f"--set {key}: unknown; {_near(key, config)}")
        try:
            changes[key] = _parse(text, hints[key])
        except ValueError as error:
            raise UsageError(f"--set {key}={text}: want {_words(hints[key])}") from error
    return replace(config, **changes)


def _near(key: str, config: TrainConfig) -> str:
    names = [field.name for field in fields(config)]
    near = difflib.get_close_matches(key, names)
    return f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(names)}"


def _parse(text: str, kind: Any) -> Any:
    if type(None) in get_args(kind):
        return None if text.lower() == "none" else _parse(text, get_args(kind)[0])
    if kind is bool:
        return {"true": True, "false": False}[text.lower()] if text.lower() in ("true", "false") else _fail(text)
    if get_origin(kind) is Literal:
        return text if text in get_args(kind) else _fail(text)
    if kind == tuple[float, float]:
        low, high = text.split(",")
        return _number(low), _number(high)
    if kind == tuple[float, ...]:
        return tuple(_number(part) for part in text.split(","))
    if get_origin(kind) is tuple:
        pairs = [part.rpartition(":") for part in text.split(",") if part]
        return tuple((name, _number(weight)) if name else _fail(text) for name, _, weight in pairs)
    return _number(text) if kind is float else kind(text)


def _number(text: str) -> float:
    value = float(text)
    return value if isfinite(value) else _fail(text)


def _fail(text: str) -> Any:
    raise ValueError(text)


def _words(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " or ".join(get_args(kind))
    if type(None) in get_args(kind):
        return f"{_words(get_args(kind)[0])} or none"
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "a name"}
    shapes = {tuple[float, float]: "LOW,HIGH", tuple[float, ...]: "NUMBER,NUMBER,..."}
    return words.get(kind) or shapes.get(kind) or "NAME:WEIGHT,NAME:WEIGHT"
