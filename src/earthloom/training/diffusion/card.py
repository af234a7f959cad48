"""The model card of a denoiser."""

from collections.abc import Sequence
from pathlib import Path

from earthloom.models.metaearth.config import FACTOR, MetaEarthConfig
from earthloom.training.card import data_section
from earthloom.training.diffusion.config import DiffusionConfig
from earthloom.training.regime import Report

GUIDANCE = {
    "input": "is told the ground resolution of what it reads",
    "output": "is told the ground resolution of what it makes",
    "none": "is told no ground resolution",
}


def card(
    recipe: str, config: DiffusionConfig, model: MetaEarthConfig, data: Sequence[Path], step: int, report: Report
) -> str:
    """Return Markdown: what it does, what it was trained on with credits, the recipe, the figures."""
    noising = model.noising
    levels = ", ".join(f"{level_m:g}" for level_m in config.levels_m)
    answer = {"epsilon": f"epsilon, P2 weights (kappa {config.kappa:g}, gamma {config.gamma:g})", "v": "v"}
    lines = [
        f"# metaearth/{config.model}: imagery to imagery {FACTOR} times as fine",
        "",
        f"Makes imagery of {levels} m/px from what is {FACTOR} times as coarse; it {GUIDANCE[model.resolution]}. "
        "What it makes is synthetic: plausible ground, not the ground that is there.",
        "",
        f"Recipe `{recipe}`: {config.steps} steps, batch {config.batch} x {config.accumulate} of {config.crop_px} px, "
        f"AdamW {config.lr:g} ({config.schedule} after {config.rise_steps} steps of rise), loss on "
        f"{answer[noising.prediction]}, schedule {noising.schedule}"
        + (" with zero terminal SNR" if noising.zero_terminal_snr else "")
        + f", {config.clean_share:.0%} of the coarse pictures plain averages, the others degraded, averaged weights "
        f"{config.ema_decay:g}, seed {config.seed}; these are the weights of step {step}"
        + (f", best at {config.select}." if config.select and report else "."),
        *data_section(data, unknown="imagery without an about.json"),
    ]
    if report:
        lines += ["", "## Validation", "", "| level | loss | samples |", "|---|---|---|"]
        lines += [f"| {level} | {report['loss'][level]:.4f} | {count} |" for level, count in report["samples"].items()]
    return "\n".join(lines) + "\n"
