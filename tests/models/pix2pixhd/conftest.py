"""What the published code answered, kept in `published.npz` by `scripts/make_pix2pixhd_oracle.py`."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from make_pix2pixhd_oracle import drawn, pictures
from torch import Tensor


class Oracle:
    """Networks of the published code by name: their weights, an input, and the outputs it gave."""

    def __init__(self, file: Path) -> None:
        with np.load(file) as arrays:
            self._arrays = dict(arrays)
        self._cases = json.loads(str(self._arrays["cases"]))

    def weights(self, name: str) -> dict[str, Tensor]:
        """Draw a network's weights under the published names."""
        return drawn(self._cases[name]["shapes"], self._cases[name]["seed"])

    def picture(self, name: str) -> Tensor:
        """Draw a network's input."""
        return pictures(self._cases[name]["in_channels"], self._cases[name]["seed"])

    def output(self, name: str) -> Tensor:
        """Return a generator's output by `NAME`, a layer's by `NAME.SCALE.LAYER`, a loss by `losses.NAME`."""
        return torch.from_numpy(self._arrays[name])


@pytest.fixture(scope="session")
def oracle() -> Oracle:
    return Oracle(Path(__file__).with_name("published.npz"))
