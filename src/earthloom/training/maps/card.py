"""The model card of a map generator."""

from collections.abc import Sequence
from pathlib import Path

from earthloom.training.card import data_section
from earthloom.training.maps.config import MapsConfig
from earthloom.training.regime import Report


def card(recipe: str, config: MapsConfig, folders: Sequence[Path], step: int, report: Report) -> str:
    """Return Markdown: what it does, what it was trained on with credits, the recipe, the figures."""
    purpose = {"r2m": "imagery to map", "m2m": "map to the next coarser map"}[config.role]
    lines = [
        f"# pix2pixhd/{config.model}: {purpose}",
        "",
        f"Recipe `{recipe}`: {config.warm_steps} steps of class-set cross-entropy, {config.adversarial_steps} "
        f"adversarial steps, batch {config.batch} x {config.accumulate} of {config.crop_px} px, seed {config.seed}; "
        f"these are the weights of step {step}" + (f", best at {config.select}." if config.select and report else "."),
        *data_section(folders, unknown="the user's own pairs"),
    ]
    for pack, figures in report.items():
        lines += [
            "",
            f"## Validation on {pack}",
            "",
            "| class | IoU | pixels judged | of the class |",
            "|---|---|---|---|",
        ]
        for name, value in figures["iou"].items():
            if value is not None:
                lines.append(f"| {name} | {value:.3f} | {figures['n'][name]} | {figures['n_positive'][name]} |")
    return "\n".join(lines) + "\n"
