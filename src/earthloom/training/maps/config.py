"""What decides a run of the adversarial regime."""

from dataclasses import dataclass
from typing import Literal

from earthloom.errors import UsageError
from earthloom.training.config import TrainConfig, require
from earthloom.training.schedules import Schedule, factor


@dataclass(frozen=True, slots=True, kw_only=True)
class MapsConfig(TrainConfig):
    """A run of Pix2PixHD (`models.pix2pixhd`): a warm start on labels, then against a discriminator.

    `select` is `PACK/mean_iou`, `PACK/accuracy` or `PACK/CLASS`; `crop_px` a multiple of the network's stride.
    """

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

    label_weight: float = 10.0
    """Weight of the label losses beside the adversarial terms; 0 leaves them out, as an RGB head must."""

    jaccard_weight: float = 1.0
    """Weight of the soft Jaccard distance beside the class-set cross-entropy; 0 leaves it out."""

    feature_weight: float = 10.0
    """Weight of feature matching, as in Series GAN."""

    vgg_weight: float = 10.0
    """Weight of the VGG19 term, when its weights are given."""

    def __post_init__(self) -> None:
        """Reject what cannot run."""
        TrainConfig.__post_init__(self)
        require(self, 0, "warm_steps", "adversarial_steps", "warm_lr", "adversarial_lr")
        if self.select is not None and self.select.count("/") != 1:
            raise UsageError(f"select is {self.select!r}, want PACK/mean_iou, PACK/accuracy or PACK/CLASS")
        if not 0.0 < self.scale[0] <= self.scale[1]:
            raise UsageError(f"scale is {self.scale}; give LOW,HIGH with 0 < LOW <= HIGH")

    @property
    def num_steps(self) -> int:
        """Steps of both phases."""
        return self.warm_steps + self.adversarial_steps

    def phase(self, step: int) -> str:
        """Return `warm` or `adversarial`."""
        return "warm" if step < self.warm_steps else "adversarial"

    def learning_rate(self, step: int) -> float:
        """Return the learning rate of step `step` (0-based) over both phases."""
        if step < self.warm_steps:
            return self.warm_lr * factor(self.warm_schedule, step, self.warm_steps)
        step -= self.warm_steps
        return self.adversarial_lr * factor(self.adversarial_schedule, step, self.adversarial_steps)
