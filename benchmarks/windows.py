"""What a window of MetaEarth costs: encoder and U-Net of each preset, and what encoding the condition once gains.

    python benchmarks/windows.py [--presets small,base] [--steps 8] [--device cuda --peak 989] [--quick]

Freshly drawn weights: how long a window takes does not depend on what they have learned. A window whose condition is
encoded at every step over one encoded once is measured, beside the closed form (U + E) / (U + E / n) for n steps with
the operations of U-Net and encoder. On the CPU fp32 in one thread, as a worker of the loom has it; on CUDA bf16
autocast, compiled by torch, with windows a second at 50 steps and the share of the device's peak TFLOP/s.
"""

from collections.abc import Callable
from time import perf_counter

import torch
from measuring import Figure, parser, report
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from earthloom.models.metaearth.config import FACTOR, PRESETS, MetaEarthConfig
from earthloom.models.metaearth.denoiser import Denoiser, build_denoiser

PUBLISHED = 50
"""Steps of the paper."""


def main() -> None:
    """Measure and print."""
    words = parser(__doc__)
    words.add_argument("--presets", default="tiny,small,base", help="Of metaearth; paper wants 3 GB and patience.")
    words.add_argument("--steps", type=int, default=8, help="Of a measured window.")
    words.add_argument("--batch", type=int, default=1, help="Windows in a call.")
    words.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    words.add_argument("--peak", type=float, help="Dense bf16 TFLOP/s of the device, as its maker states.")
    args = words.parse_args()
    if args.device == "cuda" and not torch.cuda.is_available():
        report("windows", [], quick=args.quick, skipped="torch finds no CUDA device")
        return
    torch.set_num_threads(1)
    names, steps = (["tiny"], 2) if args.quick else (args.presets.split(","), args.steps)
    facts = {name: measured(PRESETS[name], steps, args.batch, args.device) for name in names}
    figures = [
        Figure(f"{name}, {steps} steps, encoded every step / once", found["anew_s"] / found["once_s"])
        for name, found in facts.items()
    ]
    if args.device == "cuda":
        for name, found in facts.items():
            figures.append(Figure(f"{name}, windows a second, {PUBLISHED} steps", found["windows_s"]))
            if args.peak:
                figures.append(Figure(f"{name}, share of {args.peak:g} TFLOP/s", found["tflop_s"] / args.peak))
    report("windows", figures, quick=args.quick, device=args.device, steps=steps, batch=args.batch, presets=facts)


@torch.inference_mode()
def measured(config: MetaEarthConfig, steps: int, batch: int, device: str) -> dict[str, float]:
    """Return operations and seconds of a call for `batch` windows, and what follows from them."""
    encoder_tflop, unet_tflop = operations(config)
    network = build_denoiser(config).eval().to(device, memory_format=torch.channels_last)
    x_BCHW, t_B, gsd_B, lr_B3hw = (each.to(device) for each in inputs(config, batch))
    encode, denoise = network.encode, network.denoise
    if device == "cuda":
        encode, denoise = torch.compile(encode), torch.compile(denoise)

    def once() -> None:
        condition_BCHW = encode(lr_B3hw)
        for _ in range(steps):
            denoise(x_BCHW, t_B, gsd_B, condition_BCHW)

    def anew() -> None:
        for _ in range(steps):
            denoise(x_BCHW, t_B, gsd_B, encode(lr_B3hw))

    with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
        condition_BCHW = encode(lr_B3hw)
        encoder_s = fastest(lambda: encode(lr_B3hw), device)
        unet_s = fastest(lambda: denoise(x_BCHW, t_B, gsd_B, condition_BCHW), device)
        times = {"once_s": fastest(once, device), "anew_s": fastest(anew, device)}
    window_s = (encoder_s + PUBLISHED * unet_s) / batch
    return {
        "encoder_gflop": round(encoder_tflop * 1e3, 3),
        "unet_gflop": round(unet_tflop * 1e3, 3),
        "encoder_s": round(encoder_s, 4),
        "unet_s": round(unet_s, 4),
        **{name: round(seconds, 4) for name, seconds in times.items()},
        f"closed_form_{steps}": round(gain(encoder_tflop, unet_tflop, steps), 3),
        f"closed_form_{PUBLISHED}": round(gain(encoder_tflop, unet_tflop, PUBLISHED), 3),
        f"seconds_{PUBLISHED}": round(gain(encoder_s, unet_s, PUBLISHED), 3),
        "windows_s": round(1 / window_s, 4),
        "tflop_s": round((encoder_tflop + PUBLISHED * unet_tflop) / window_s, 3),
    }


def gain(encoder: float, unet: float, steps: int) -> float:
    """Return what encoding once instead of at every step gains."""
    return (unet + encoder) / (unet + encoder / steps)


def operations(config: MetaEarthConfig) -> tuple[float, float]:
    """Return the TFLOP of encoder and U-Net for one window, counted without doing them."""
    with torch.device("meta"), torch.inference_mode():
        network, (x_1CHW, t_1, gsd_1, lr_13hw) = Denoiser(config), inputs(config, 1)
        with FlopCounterMode(display=False) as encoder:
            condition_1CHW = network.encode(lr_13hw)
        with FlopCounterMode(display=False) as unet:
            network.denoise(x_1CHW, t_1, gsd_1, condition_1CHW)
    return encoder.get_total_flops() / 1e12, unet.get_total_flops() / 1e12


def inputs(config: MetaEarthConfig, batch: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return noise, step, resolution and ground of some windows."""
    side = config.window_px
    return (
        torch.randn(batch, 3, side, side),
        torch.full((batch,), 500),
        torch.full((batch,), 16.0),
        torch.rand(batch, 3, side // FACTOR, side // FACTOR),
    )


def fastest(run: Callable[[], object], device: str) -> float:
    """Return the seconds of the fastest of two runs after one that warms up."""
    seconds = []
    for _ in range(3):
        start = perf_counter()
        run()
        if device == "cuda":
            torch.cuda.synchronize()
        seconds.append(perf_counter() - start)
    return min(seconds[1:])


if __name__ == "__main__":
    main()
