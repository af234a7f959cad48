"""Checkpoints of the published Pix2PixHD code (NVIDIA/pix2pixHD), read under its names and saved under ours."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from earthloom.errors import ModelError
from earthloom.models.pix2pixhd.config import Pix2PixHDConfig
from earthloom.models.pix2pixhd.published_names import norm_after, recognise
from earthloom.models.registry import build
from earthloom.models.weights import require_fit, save
from earthloom.nn.state_dict import read_state_dict

LICENCE = "see the source of the checkpoint"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Published:
    """A published network as one of ours."""

    config: Pix2PixHDConfig
    """Read off names and shapes; what only the other network of the pair has is that of the `paper` preset."""

    network: str
    """`generator` or `discriminator`."""

    module: nn.Module
    """The network with the published weights, in float32."""


def convert(file: Path, folder: Path, *, overwrite: bool = False) -> str:
    """Write the checkpoint folder of a published `*_net_G.pth` or `*_net_D.pth`.

    Returns:
        The sha256 of the weights.

    Raises:
        ModelError: If the file is no such checkpoint, or the folder exists or cannot be written.
    """
    published = from_published(read_state_dict(file), where=str(file))
    with file.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    return save(
        folder,
        published.config,
        published.module,
        meta={"licence": LICENCE, "source": file.name, "source_sha256": sha256},
        card=_card(published.network, file.name, sha256),
        network=published.network,
        overwrite=overwrite,
    )


def from_published(state: Mapping[str, Tensor], *, where: str = "the state dict") -> Published:
    """Build the network whose weights these are.

    A generator is `global`, or `local` with one enhancer. A discriminator has its five layers a scale, with or without
    feature matching; whether a sigmoid follows them (`--no_lsgan`) cannot be seen, and ours has none.

    Args:
        state: Tensors under the published names.
        where: What to call it in an error.

    Raises:
        ModelError: If it is another network, has batch norm, or a tensor is missing, unknown or of another shape;
            the names are the published ones.
    """
    network, config, layers = recognise(state, where)
    with torch.device("meta"):
        module = build(config, network)
    ours = [name for name, layer in module.named_modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]
    renamed = {
        f"{published}.{kind}": f"{our}.{kind}"
        for published, our in zip(layers, ours, strict=True)
        for kind in ("weight", "bias")
    }
    shapes = module.state_dict()
    kept = _without_statistics(state, {norm_after(layer) for layer in layers}, where)
    require_fit(kept, {name: shapes[our] for name, our in renamed.items()}, f"{where} as a Pix2PixHD {network}")
    module.load_state_dict({our: kept[name].float() for name, our in renamed.items()}, strict=True, assign=True)
    return Published(config=config, network=network, module=module)


def _without_statistics(state: Mapping[str, Tensor], norms: set[str], where: str) -> dict[str, Tensor]:
    """Leave out what PyTorch before 0.4 kept of instance norms and never used; refuse norms that learned.

    Later versions keep statistics only where they are used, beside a `num_batches_tracked` that fits nowhere in ours.
    """
    for name in state:
        if name.removesuffix(".weight") in norms:
            raise ModelError(f"{where} has batch norm ({name}): only instance norm, the published default, is read")
    idle = {f"{norm}.{kind}" for norm in norms for kind in ("running_mean", "running_var")}
    return {name: tensor for name, tensor in state.items() if name not in idle}


def _card(network: str, source: str, sha256: str) -> str:
    return (
        f"# Pix2PixHD {network}, converted\n\n"
        f"Weights of `{source}` (sha256 `{sha256}`), a checkpoint of the published Pix2PixHD code, "
        f"under other names and otherwise unchanged.\n\nLicence: {LICENCE}.\n"
    )
