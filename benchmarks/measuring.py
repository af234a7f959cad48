"""What the benchmarks share: figures beside their targets, fresh processes, peak memory, and a large image."""

import argparse
import json
import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rasterio

SAMPLE = Path(__file__).parent.parent / "src" / "earthloom" / "samples" / "banepa_z17.tif"
"""3584 x 2560 px, 9.2 Mpx."""

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number, and what it should be."""

    what: str
    value: float
    at_most: float | None = None
    at_least: float | None = None

    def facts(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        low, high = self.at_least, self.at_most
        target = f"<= {high:g}" if high is not None else f">= {low:g}" if low is not None else None
        met = (high is None or self.value <= high) and (low is None or self.value >= low)
        return {"what": self.what, "value": round(self.value, 3), "target": target, "met": met if target else None}


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with the option every benchmark has."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--quick", action="store_true", help="Tiny sizes: does it run? Its figures mean nothing.")
    return made


def report(name: str, figures: Sequence[Figure], *, quick: bool, **facts: Any) -> None:
    """Print one JSON object."""
    rows = [figure.facts() for figure in figures]
    print(json.dumps({"benchmark": name, "quick": quick, "cores": CORES, **facts, "figures": rows}, indent=1))


def in_fresh_process(script: str, *words: object) -> dict[str, Any]:
    """Run a benchmark's own file with other words in a new process and return the JSON it prints last."""
    command = [sys.executable, "-W", "ignore", script, *map(str, words)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def peak_mb() -> float:
    """Return this process's largest resident set so far, in MB of 10**6 bytes."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def write_ground(path: Path, width: int, height: int) -> None:
    """Write an image of any size that repeats the bundled sample, piece by piece."""
    with rasterio.open(SAMPLE) as sample:
        pixels_3HW, profile = sample.read(), sample.profile
    profile |= {"width": width, "height": height, "compress": "DEFLATE", "photometric": "RGB", "bigtiff": "IF_SAFER"}
    with rasterio.open(path, "w", **profile) as file:
        for row in range(0, height, pixels_3HW.shape[1]):
            for col in range(0, width, pixels_3HW.shape[2]):
                piece = pixels_3HW[:, : height - row, : width - col]
                file.write(piece, window=rasterio.windows.Window(col, row, piece.shape[2], piece.shape[1]))
