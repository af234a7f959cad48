"""Make `.venv` with Earthloom, its development group and a torch that never drags CUDA onto a machine without it.

Only the standard library. A second call compares a stamp and returns at once.
"""

from __future__ import annotations  # so that an old Python reaches the version check below

import hashlib
import platform
import shutil
import subprocess
import sys
import venv
from pathlib import Path

TORCH = "2.13.0"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
OLDEST_PYTHON = (3, 11)

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "earthloom.stamp"
CONSTRAINTS = VENV / "constraints.txt"


def main() -> None:
    """Set up what is missing, or return at once when nothing changed."""
    if sys.version_info < OLDEST_PYTHON:
        sys.exit(
            f"Earthloom needs Python {OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]} or newer, "
            f"this is {platform.python_version()}: try `make PYTHON=python3.12 setup`"
        )
    stamp = _stamp()
    if PYTHON.exists() and STAMP.exists() and STAMP.read_text() == stamp:
        return
    STAMP.unlink(missing_ok=True)
    _make_venv()
    _install_torch()
    CONSTRAINTS.write_text(f"torch=={_torch_version()}\n")
    _say("installing Earthloom and its development group")
    _run(PYTHON, "-m", "pip", "install", "--quiet", "uv>=0.7")
    _run(
        PYTHON, "-m", "uv", "pip", "install", "--quiet", "--python", PYTHON,
        "--constraints", CONSTRAINTS, "--editable", ROOT, "--group", f"{ROOT / 'pyproject.toml'}:dev",
    )  # fmt: skip
    STAMP.write_text(stamp)
    _say(f"ready in {VENV.name}")


def _stamp() -> str:
    """Return the hash of everything that decides what the environment holds."""
    parts = [(ROOT / "pyproject.toml").read_bytes(), Path(__file__).read_bytes(), str(ROOT).encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _make_venv() -> None:
    """Make the environment; one whose interpreter no longer starts is made anew."""
    if PYTHON.exists() and _succeeds(PYTHON, "-m", "pip", "--version"):
        return
    _say(f"making {VENV.name} with Python {platform.python_version()}")
    try:
        venv.create(VENV, with_pip=True, clear=VENV.exists(), symlinks=True)
    except (subprocess.CalledProcessError, OSError) as error:
        sys.exit(f"cannot make {VENV}: {error}\non Debian and Ubuntu, `apt install python3-venv` gives what is missing")


def _install_torch() -> None:
    """Install torch: with CUDA where there is a GPU, else a CPU build and nothing but a CPU build."""
    if _torch_version().split("+")[0] == TORCH:
        return
    _say(f"installing torch {TORCH}")
    pip = (PYTHON, "-m", "pip", "install", "--quiet", "--no-deps")
    cpu = f"torch=={TORCH}+cpu"
    if sys.platform == "darwin" or _has_gpu():
        _run(*pip, f"torch=={TORCH}")
    elif _succeeds(*pip, "--dry-run", cpu):
        _run(*pip, cpu)
    else:
        _run(*pip, "--index-url", CPU_INDEX, cpu)


def _has_gpu() -> bool:
    """Say whether this machine has an NVIDIA GPU that answers."""
    return shutil.which("nvidia-smi") is not None and _succeeds("nvidia-smi", "-L")


def _torch_version() -> str:
    """Return the version of torch in the environment, empty when there is none."""
    code = "from importlib.metadata import distributions as d; print(*{x.version for x in d(name='torch')})"
    return subprocess.run([str(PYTHON), "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def _succeeds(*command: str | Path) -> bool:
    """Run a command in silence and say whether it worked."""
    try:
        return subprocess.run([str(part) for part in command], capture_output=True).returncode == 0
    except OSError:
        return False


def _run(*command: str | Path) -> None:
    """Run a command; where it fails, stop with its own words above ours."""
    words = [str(part) for part in command]
    if subprocess.run(words, cwd=ROOT).returncode != 0:
        sys.exit(
            f"setup stopped at: {' '.join(words)}\nwhat is finished is kept; mend the cause and run `make setup` again"
        )


def _say(line: str) -> None:
    """Print one line of progress."""
    print(f"setup: {line}", flush=True)


if __name__ == "__main__":
    main()
