from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from earthloom.errors import ModelError
from earthloom.nn.inception import InceptionV3, load_inception, resized

PICTURES = np.random.default_rng(0).integers(0, 256, (2, 20, 30, 3), dtype=np.uint8)
TORCH_FIDELITY = {
    0: (0.108057, 0.0799076),
    320: (0.218085, 0.239599),
    1087: (13.0085, 12.8971),
    1088: (0.635627, 0.619787),
    1472: (10.6491, 10.4848),
    1900: (19.9933, 19.716),
    2047: (1.49994, 1.0587),
}
"""Some features of `PICTURES` by `FeatureExtractorInceptionV3` of torch-fidelity 0.4.0 with the weights below."""


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    """Draw weights by their public names, with the head of 1008 classes and without counts of batches."""
    return drawn_weights()


def drawn_weights() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    weights = {"fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}
    for name, own in sorted(InceptionV3().state_dict().items()):
        uniform = torch.rand(own.shape, generator=generator)
        if name.endswith("conv.weight"):
            weights[name] = (uniform - 0.5) * (24 / own[0].numel()) ** 0.5
        elif name.endswith(("bn.bias", "running_mean")):
            weights[name] = uniform - 0.5
        elif name.endswith(("bn.weight", "running_var")):
            weights[name] = uniform + 0.5
    return weights


def test_it_has_the_published_parameters() -> None:
    """Count them from the paper's table: each convolution of k values from m to n channels has k m n + 2 n."""
    stem = [(9, 3, 32), (9, 32, 32), (9, 32, 64), (1, 64, 80), (9, 80, 192)]
    fine = [
        each
        for m, pooled in ((192, 32), (256, 64), (288, 64))
        for each in [(1, m, 64), (1, m, 48), (25, 48, 64), (1, m, 64), (9, 64, 96), (9, 96, 96), (1, m, pooled)]
    ]
    to_middle = [(9, 288, 384), (1, 288, 64), (9, 64, 96), (9, 96, 96)]
    middle = [
        each
        for c in (128, 160, 160, 192)
        for each in [*[(1, 768, 192)] * 2, *[(1, 768, c)] * 2, *[(7, c, c)] * 4, *[(7, c, 192)] * 2]
    ]
    to_coarse = [(1, 768, 192), (9, 192, 320), (1, 768, 192), (7, 192, 192), (7, 192, 192), (9, 192, 192)]
    coarse = [
        each
        for m in (1280, 2048)
        for each in [(1, m, 320), (1, m, 384), (1, m, 448), (9, 448, 384), *[(3, 384, 384)] * 4, (1, m, 192)]
    ]
    layers = [*stem, *fine, *to_middle, *middle, *to_coarse, *coarse]
    assert sum(parameter.numel() for parameter in InceptionV3().parameters()) == 21_785_568
    assert sum(k * m * n + 2 * n for k, m, n in layers) == 21_785_568


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_its_features_are_those_of_torch_fidelity(tmp_path: Path, weights: dict[str, Tensor], suffix: str) -> None:
    path = tmp_path / f"inception{suffix}"
    torch.save(weights, path) if suffix == ".pth" else save_file(weights, path)
    inception = load_inception(path)
    assert not inception.training
    assert not any(parameter.requires_grad for parameter in inception.parameters())
    found = inception(torch.tensor(PICTURES / 127.5 - 1, dtype=torch.float32).permute(0, 3, 1, 2))
    assert found.shape == (2, 2048)
    assert found.min() >= 0
    for place, values in TORCH_FIDELITY.items():
        np.testing.assert_allclose(found[:, place], values, rtol=1e-4)


def test_names_and_sizes_are_public(weights: dict[str, Tensor]) -> None:
    assert len(weights) == 94 * 5 + 2
    assert weights["Conv2d_1a_3x3.conv.weight"].shape == (32, 3, 3, 3)
    assert weights["Mixed_5b.branch1x1.bn.running_mean"].shape == (64,)
    assert weights["Mixed_6b.branch7x7dbl_4.conv.weight"].shape == (128, 128, 7, 1)
    assert weights["Mixed_7a.branch7x7x3_4.conv.weight"].shape == (192, 192, 3, 3)
    assert weights["Mixed_7c.branch3x3dbl_3b.conv.weight"].shape == (384, 384, 3, 1)
    assert weights["Mixed_7c.branch_pool.conv.weight"].shape == (192, 2048, 1, 1)


@pytest.mark.parametrize("size", [1, 7, 20, 33])
def test_an_axis_is_resized_from_its_left_edge(size: int) -> None:
    values = np.random.default_rng(0).random(size)
    positions = np.arange(20) * size / 20
    x = torch.tensor(values, dtype=torch.float32)
    wanted = np.interp(positions, np.arange(size), values)
    for dim, shape in ((3, (1, 1, 1, -1)), (2, (1, 1, -1, 1))):
        np.testing.assert_allclose(resized(x.view(shape), dim, 20).flatten(), wanted, rtol=1e-5)


def test_other_files_are_refused(tmp_path: Path, weights: dict[str, Tensor]) -> None:
    with pytest.raises(ModelError, match=r"no InceptionV3 weights at .*missing.pth: give pt_inception-2015-12-05"):
        load_inception(tmp_path / "missing.pth")
    for name, reason in (
        ("bad.safetensors", "cannot be read as weights"),
        ("bad.pth", "is damaged or no PyTorch file"),
    ):
        (tmp_path / name).write_bytes(b"no weights")
        with pytest.raises(ModelError, match=f"{name} {reason}"):
            load_inception(tmp_path / name)
    first, head = "Conv2d_1a_3x3.conv.weight", torch.zeros(1).expand(1008, 2048)
    others: list[tuple[dict[str, Tensor], str]] = [
        ({"features.0.weight": torch.zeros(1)}, r"fc.weight is missing, want \(1008, 2048\)"),
        ({**weights, "fc.weight": torch.zeros(1).expand(1000, 2048)}, r"fc.weight is \(1000, 2048\), want \(1008, "),
        ({"fc.weight": head}, rf"no whole InceptionV3: {first} is missing"),
        ({"fc.weight": head, first: torch.zeros(32, 1, 3, 3)}, rf"{first} is \(32, 1, 3, 3\), want \(32, 3, 3, 3\)"),
        ({**weights, "AuxLogits.fc.bias": torch.zeros(1)}, "it has no AuxLogits.fc.bias"),
    ]
    for tensors, reason in others:
        torch.save(tensors, tmp_path / "other.pth")
        with pytest.raises(ModelError, match=rf"other.pth is .*{reason}"):
            load_inception(tmp_path / "other.pth")
