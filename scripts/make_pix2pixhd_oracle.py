"""Write what the published Pix2PixHD code answers for weights drawn from seeds, as small arrays that a test keeps.

    python scripts/make_pix2pixhd_oracle.py CHECKOUT tests/models/pix2pixhd/published.npz

The arrays in the repository were made from commit 14b3b3c7fff413086e3b58df52096f16b6891172 of NVIDIA/pix2pixHD.
"""

import argparse
import contextlib
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import Tensor, nn

GENERATORS: dict[str, dict[str, Any]] = {
    "global": {"input_nc": 3, "ngf": 4, "netG": "global", "n_downsample_global": 2, "n_blocks_global": 2},
    "local": {"input_nc": 3, "ngf": 3, "netG": "local", "n_downsample_global": 1, "n_blocks_global": 3},
    "labels": {
        "input_nc": 5,
        "ngf": 2,
        "netG": "local",
        "n_downsample_global": 2,
        "n_blocks_global": 1,
        "n_blocks_local": 1,
    },
}
DISCRIMINATORS: dict[str, dict[str, Any]] = {
    "features": {"input_nc": 6, "ndf": 3, "n_layers_D": 3, "num_D": 3, "getIntermFeat": True},
    "verdicts": {"input_nc": 8, "ndf": 2, "n_layers_D": 3, "num_D": 2, "getIntermFeat": False},
}
OPTIONS = {"label_nc": 0, "no_instance": True, "no_ganFeat_loss": False, "no_vgg_loss": True, "lambda_feat": 10.0}
"""Of a training step: the published defaults, but pictures instead of labels and no VGG19."""


def drawn(shapes: dict[str, list[int]], seed: int) -> dict[str, Tensor]:
    """Draw tensors from N(0, 0.1) in the order of their names; the stream of a RandomState never changes."""
    random = np.random.RandomState(seed)
    return {name: torch.from_numpy(random.normal(0, 0.1, shape).astype(np.float32)) for name, shape in shapes.items()}


def pictures(channels: int, seed: int) -> Tensor:
    """Draw a picture of 24 x 32 px from N(0, 0.5)."""
    return 5 * drawn({"x": [1, channels, 24, 32]}, seed)["x"]


def main() -> None:
    """Run every network once, then the losses of one training step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    sys.path.insert(0, str(args.checkout))
    sys.modules["torchvision"] = SimpleNamespace(models=None)  # type: ignore[assignment]  # only VGG19 needs it
    from models import networks, pix2pixHD_model  # type: ignore[import-not-found]

    with contextlib.redirect_stdout(None), torch.no_grad():
        built = {name: networks.define_G(output_nc=3, **kinds) for name, kinds in GENERATORS.items()}
        built |= {name: networks.define_D(**kinds) for name, kinds in DISCRIMINATORS.items()}
        cases, arrays = {}, {}
        for seed, (name, network) in enumerate(built.items()):
            channels = (GENERATORS | DISCRIMINATORS)[name]["input_nc"]
            shapes = {key: list(tensor.shape) for key, tensor in network.state_dict().items()}
            network.load_state_dict(drawn(shapes, seed))
            cases[name] = {"seed": seed, "in_channels": channels, "shapes": shapes}
            arrays |= _flat(name, network(pictures(channels, seed)))
        step = _step(pix2pixHD_model.Pix2PixHDModel(), networks.GANLoss(), built["global"], built["features"])
        with mock.patch.object(Tensor, "cuda", lambda tensor: tensor):
            (losses, _) = step(pictures(3, 100), None, pictures(3, 101), None)
    names = ("adversarial", "features", "real", "fake")
    arrays |= {f"losses.{name}": loss.numpy() for name, loss in zip(names, losses, strict=True)}
    np.savez_compressed(args.out, cases=json.dumps(cases), **arrays)
    print(args.out, args.out.stat().st_size, "bytes")


def _flat(name: str, answer: Any) -> dict[str, Any]:
    """Return a picture, or each layer of each scale, by name."""
    if isinstance(answer, Tensor):
        return {name: answer.numpy()}
    return {f"{name}.{i}.{j}": layer.numpy() for i, scale in enumerate(answer) for j, layer in enumerate(scale)}


def _step(model: Any, criterion: Any, generator: nn.Module, discriminator: nn.Module) -> Any:
    """Give a published training model what its forward pass reads."""
    sizes = DISCRIMINATORS["features"]
    model.opt = SimpleNamespace(**OPTIONS, n_layers_D=sizes["n_layers_D"], num_D=sizes["num_D"])
    model.netG, model.netD, model.use_features = generator, discriminator, False
    model.criterionGAN, model.criterionFeat = criterion, nn.L1Loss()
    model.fake_pool = SimpleNamespace(query=lambda pairs: pairs)
    model.loss_filter = model.init_loss_filter(use_gan_feat_loss=True, use_vgg_loss=False)
    return model


if __name__ == "__main__":
    main()
