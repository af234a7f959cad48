"""How a run is done on one machine."""

from dataclasses import dataclass
from pathlib import Path

from earthloom.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """How a run is done on one machine; of it, a resumed run needs the same `precision` and `vgg19` (`inputs`)."""

    device: str = "auto"
    """`auto`, `cpu` or `cuda`."""

    precision: str = "auto"
    """`auto`, `fp32` or `bf16`."""

    vgg19: Path | None = None
    """Weights of the perceptual term of maps; None trains with feature matching only."""

    resume: bool = False
    """Go on from the folder's checkpoint if there is one."""

    init: str | None = None
    """Trained network to start from instead of random weights: a shipped name, a folder or a hub id."""

    tensorboard: bool = False
    """Curves and sample grids in `RUN/tensorboard`."""

    workers: int = 0
    """Processes that draw samples ahead; 0: a thread of this one. What is drawn does not depend on it."""

    quiet: bool = False
    """No progress bar."""

    def __post_init__(self) -> None:
        """Reject what cannot be."""
        if self.workers < 0:
            raise UsageError(f"--workers {self.workers}: want at least 0")
