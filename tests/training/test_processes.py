import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SCRIPT = Path(__file__).parent / "two_processes.py"


@pytest.mark.parametrize(
    ("regime", "data", "network"),
    [("maps", "pairs", "1 discriminator"), ("diffusion", "catalog", "2 denoiser encoder")],
)
def test_two_processes_have_the_gradients_of_one_with_the_whole_batch(
    regime: str, data: str, network: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Of every parameter in all phases; samples with different labels on either side, some incomplete."""
    folder = request.getfixturevalue(data)
    one = _script().gradients(regime, folder, batch=4)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(SCRIPT)]
    words = [*launch, regime, str(folder), str(tmp_path / "two.npz"), "2"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    two = dict(np.load(tmp_path / "two.npz"))
    assert one.keys() == two.keys()
    assert any(value.any() for key, value in one.items() if key.startswith(network))
    for key, value in one.items():
        assert np.abs(value - two[key]).max() <= 1e-5 * max(1.0, np.abs(value).max()), key


def _script() -> Any:
    spec = importlib.util.spec_from_file_location("two_processes", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
