"""Is bf16 worth it on this CPU? A generator's forward pass at 512 px, bf16 channels_last over fp32 NCHW.

    python benchmarks/precision.py [--quick]

Freshly drawn weights; batch 1, all cores; the faster of a few passes after one that warms up. `autocast` is what
`--precision bf16` runs; `cast` has its weights in bf16. CPUs without avx512_bf16 or AMX are skipped.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from time import perf_counter

import torch
from measuring import CORES, Figure, parser, report
from torch import Tensor, nn

from earthloom.models.pix2pixhd.config import PRESETS
from earthloom.models.pix2pixhd.generator import build_generator

WANTED = ("avx512_bf16", "amx_bf16")
TARGETS = {"paper": 0.6, "small": 0.5}


def main() -> None:
    """Measure and print."""
    args = parser(__doc__).parse_args()
    found = [flag for flag in WANTED if flag in cpu_flags()]
    if not found:
        report("precision", [], quick=args.quick, skipped=f"this CPU has none of {', '.join(WANTED)}")
        return
    torch.set_num_threads(CORES)
    side_px, passes, names = (128, 1, ("small",)) if args.quick else (512, 3, tuple(TARGETS))
    figures, times = [], {}
    for name in names:
        seconds = times[name] = timed(name, torch.rand(1, 3, side_px, side_px) * 2 - 1, passes)
        for how in ("autocast", "cast"):
            figures.append(Figure(f"{name}, bf16 {how} / fp32", seconds[how] / seconds["fp32"], at_most=TARGETS[name]))
    report("precision", figures, quick=args.quick, cpu=found, side_px=side_px, seconds=times)


def cpu_flags() -> set[str]:
    """Return what the CPU can do, where Linux says it."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.exists() else []
    return {flag for line in lines if line.startswith("flags") for flag in line.split()}


@torch.inference_mode()
def timed(name: str, x_BCHW: Tensor, passes: int) -> dict[str, float]:
    """Return the seconds of a forward pass in each precision."""
    network: nn.Module = build_generator(PRESETS[name]).eval()
    found = {"fp32": fastest(network, x_BCHW, passes)}
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    x_BCHW = x_BCHW.contiguous(memory_format=torch.channels_last)
    found["autocast"] = fastest(network, x_BCHW, passes, lambda: torch.autocast("cpu", torch.bfloat16))
    found["cast"] = fastest(network.bfloat16(), x_BCHW.bfloat16(), passes)
    return found


def fastest(
    network: nn.Module, x_BCHW: Tensor, passes: int, within: Callable[[], AbstractContextManager[object]] = nullcontext
) -> float:
    """Return the seconds of the fastest pass."""
    seconds = []
    for _ in range(passes + 1):
        start = perf_counter()
        with within():
            network(x_BCHW)
        seconds.append(perf_counter() - start)
    return round(min(seconds[1:]), 4)


if __name__ == "__main__":
    main()
