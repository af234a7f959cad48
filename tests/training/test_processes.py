import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

SCRIPT = Path(__file__).parent / "two_processes.py"


def test_two_processes_have_the_gradients_of_one_with_the_whole_batch(pairs: Path, tmp_path: Path) -> None:
    """Of every parameter in both phases; samples with different labels on either side, some incomplete."""
    one = _script().gradients(pairs, batch=4)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(SCRIPT)]
    done = subprocess.run([*launch, str(pairs), str(tmp_path / "two.npz"), "2"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    two = dict(np.load(tmp_path / "two.npz"))
    assert one.keys() == two.keys()
    assert any(key.startswith("1 discriminator") for key in one)
    for key, value in one.items():
        assert np.abs(value - two[key]).max() <= 1e-5 * max(1.0, np.abs(value).max()), key


def _script() -> Any:
    spec = importlib.util.spec_from_file_location("two_processes", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
