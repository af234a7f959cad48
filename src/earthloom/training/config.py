"""Everything that decides a training run, and `--set key=value` on top of a recipe."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

from earthloom.errors import UsageError
from earthloom.training.schedules import Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """A run: equal configurations, data and seeds give equal losses on equal machines."""

    model: str
    """Preset of `models.pix2pixhd`."""

    role: Literal["r2m", "m2m"]
    """What the generator is for: imagery to map, or map to the next coarser map."""

    gsd_m: float | None
    """Ground resolution the network sees, metres per pixel; None: pixels as they are in the files."""

    scale: tuple[float, float]
    """Range of the random factor on `gsd_m`."""

    augment: bool
    """Random colours, blur, noise and JPEG; for imagery, not for maps."""

    weights: tuple[tuple[str, float], ...]
    """Share of each pack by name; a pack not named weighs 1."""

    class_weights: tuple[tuple[str, float], ...] = ()
    """Weight of a labelled pixel by the name of its class; 1 for a class not named."""

    crop_px: int = 256
    """Side of a training crop; a multiple of the network's stride."""

    batch: int = 4
    """Crops that one process sees at once."""

    accumulate: int = 1
    """Batches whose gradients make one step: a larger batch in the same memory."""

    clip_norm: float | None = None
    """Longest gradient a step may take; none: as it comes."""

    warm_steps: int = 0
    """Steps with the label losses alone."""

    adversarial_steps: int = 0
    """Steps with discriminator and feature matching after the warm start."""

    warm_lr: float = 2e-3
    """Peak learning rate of the warm start (AdamW)."""

    warm_schedule: Schedule = "cosine"
    """Its course over the warm start."""

    adversarial_lr: float = 2e-4
    """Peak learning rate of both networks in the adversarial phase (Adam)."""

    adversarial_schedule: Schedule = "half"
    """Its course over the adversarial phase."""

    weight_decay: float = 1e-2
    """AdamW's, warm start only."""

    label_weight: float = 10.0
    """Weight of the label losses beside the adversarial terms; 0 for an RGB head."""

    jaccard_weight: float = 1.0
    """Weight of the soft Jaccard distance beside the class-set cross-entropy; 0 leaves it out."""

    feature_weight: float = 10.0
    """Weight of feature matching (Series spec section 4)."""

    vgg_weight: float = 10.0
    """Weight of the VGG19 term, when its weights are given."""

    ema_decay: float = 0.998
    """Of the averaged generator, which is what is validated and saved."""

    licence: str = "not stated"
    """Licence of the weights, as every map made with them will say."""

    checkpoint_every: int = 250
    """Steps between checkpoints; one is always written at the end."""

    validate_every: int = 0
    """Steps between validations; 0: at the end of each phase only."""

    select: str | None = None
    """`PACK/mean_iou`, `PACK/accuracy` or `PACK/CLASS`: the weights that were best at it are kept; none: the last."""

    seed: int = 0
    """Of weights and samples."""

    def __post_init__(self) -> None:
        """Reject what cannot run."""
        for names, least in (
            (("crop_px", "batch", "accumulate", "checkpoint_every"), 1),
            (("warm_steps", "adversarial_steps", "validate_every", "seed"), 0),
        ):
            for name in names:
                if getattr(self, name) < least:
                    raise UsageError(f"{name} is {getattr(self, name)}, want at least {least}")
        if self.clip_norm is not None and self.clip_norm <= 0.0:
            raise UsageError(f"clip_norm is {self.clip_norm}, want more than 0, or none")
        if self.select is not None and self.select.count("/") != 1:
            raise UsageError(f"select is {self.select!r}, want PACK/mean_iou, PACK/accuracy or PACK/CLASS")
        if not 0.0 < self.scale[0] <= self.scale[1]:
            raise UsageError(f"scale is {self.scale}; give LOW,HIGH with 0 < LOW <= HIGH")

    @property
    def num_steps(self) -> int:
        """Steps of both phases."""
        return self.warm_steps + self.adversarial_steps


def override(config: TrainConfig, settings: Iterable[str]) -> TrainConfig:
    """Apply `key=value` settings; values are read as the field's type.

    Tuples are `0.6,1.6`, pack weights `dubai:0.5,oam:0.2`, absent values `none`.

    Raises:
        UsageError: If a setting is no `key=value`, the key is unknown or the value is not of its type.
    """
    hints = get_type_hints(TrainConfig)
    changes: dict[str, Any] = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise UsageError(f"--set {setting!r} is not key=value")
        if key not in hints:
            raise UsageError(f"--set {key}: unknown; {_near(key)}")
        try:
            changes[key] = _parse(text, hints[key])
        except ValueError as error:
            raise UsageError(f"--set {key}={text}: want {_words(hints[key])}") from error
    return replace(config, **changes)


def _near(key: str) -> str:
    names = [field.name for field in fields(TrainConfig)]
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
        return float(low), float(high)
    if get_origin(kind) is tuple:
        pairs = [part.rpartition(":") for part in text.split(",") if part]
        return tuple((name, float(weight)) if name else _fail(text) for name, _, weight in pairs)
    return kind(text)


def _fail(text: str) -> Any:
    raise ValueError(text)


def _words(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " or ".join(get_args(kind))
    if type(None) in get_args(kind):
        return f"{_words(get_args(kind)[0])} or none"
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "a name"}
    return words.get(kind) or ("LOW,HIGH" if kind == tuple[float, float] else "NAME:WEIGHT,NAME:WEIGHT")
