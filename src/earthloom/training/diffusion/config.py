"""What decides a run of the diffusion regime."""

from dataclasses import dataclass
from typing import Literal

from earthloom.errors import UsageError
from earthloom.training.config import TrainConfig, require
from earthloom.training.schedules import risen


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffusionConfig(TrainConfig):
    """A run of MetaEarth (`models.metaearth`): one denoiser for all levels of a cascade, by AdamW.

    `select` is `mean` or a level such as `4m`: the loss on the validation split that is to be small. `weight_decay` is
    not printed in the paper; the default is torch's.
    """

    levels_m: tuple[float, ...]
    """Ground resolutions of what the network makes, metres per pixel; every sample draws one of them evenly."""

    steps: int
    """How many."""

    clean_share: float = 0.0
    """Share of samples whose coarse picture is a plain average of the fine one, not degraded."""

    lr: float = 1e-4
    """Peak learning rate."""

    rise_steps: int = 1000
    """Steps in which the learning rate grows from 0 to its peak."""

    schedule: Literal["constant", "cosine"] = "constant"
    """Its course after that."""

    kappa: float = 1.0
    """Of the P2 weights (equation 26), which count for a network that answers epsilon."""

    gamma: float = 1.0
    """Of the P2 weights; 0 weighs all steps alike."""

    ema_decay: float = 0.9999
    """Of the averaged network; lower in the first steps, so that it forgets what it began with."""

    judged: int = 64
    """Samples of each level that every validation judges, always the same."""

    def __post_init__(self) -> None:
        """Reject what cannot run."""
        TrainConfig.__post_init__(self)
        require(self, 0, "steps", "lr")
        require(self, 1, "rise_steps", "judged")
        if not self.levels_m or min(self.levels_m) <= 0.0 or len(set(self.levels_m)) < len(self.levels_m):
            raise UsageError(f"levels_m is {self.levels_m}; give different metres per pixel, e.g. 1,4,16")
        if not 0.0 <= self.clean_share <= 1.0:
            raise UsageError(f"clean_share is {self.clean_share}, want 0 to 1")
        if self.kappa <= 0.0 or self.gamma < 0.0:
            raise UsageError(f"kappa is {self.kappa} and gamma {self.gamma}; want kappa above 0, gamma at least 0")

    @property
    def num_steps(self) -> int:
        """Steps."""
        return self.steps

    def phase(self, step: int) -> str:
        """Return the only phase there is."""
        return "denoise"

    def learning_rate(self, step: int) -> float:
        """Return the learning rate of step `step` (0-based)."""
        return self.lr * risen(self.schedule, step, self.steps, rise_steps=self.rise_steps)
