import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

from earthloom.errors import ModelError
from earthloom.nn.vgg import BLOCKS, load_vgg19, perceptual_loss

CONVOLUTIONS = [(block, i) for block, (_, count) in enumerate(BLOCKS, 1) for i in range(1, count + 1)]
TORCHVISION = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28)


@pytest.fixture(scope="module")
def float_weights() -> dict[str, torch.Tensor]:
    """Random VGG19 weights, RGB, by our convolution names."""
    generator = torch.Generator().manual_seed(0)
    weights, before = {}, 3
    for block, i in CONVOLUTIONS:
        channels = BLOCKS[block - 1][0]
        scale = (2 / (9 * before)) ** 0.5
        weights[f"conv{block}_{i}.weight"] = torch.randn((channels, before, 3, 3), generator=generator) * scale
        weights[f"conv{block}_{i}.bias"] = torch.randn(channels, generator=generator) * 0.1
        before = channels
    return weights


def obvious_features(x, weights):
    features = []
    for block, i in CONVOLUTIONS:
        if i == 1 and block > 1:
            x = functional.max_pool2d(x, 2, 2)
        x = functional.relu(
            functional.conv2d(x, weights[f"conv{block}_{i}.weight"], weights[f"conv{block}_{i}.bias"], padding=1)
        )
        if i == 1:
            features.append(x)
    return features


def quantized(weights):
    out = {}
    for name, tensor in weights.items():
        low, high = tensor.min(), tensor.max()
        scale = (high - low) / 255
        out[name] = ((tensor - low) / scale).round().to(torch.uint8)
        out[f"{name}.scale"], out[f"{name}.min"] = scale.view(1), low.view(1)
    return out


@pytest.fixture(scope="module")
def picture():
    return torch.rand((1, 3, 32, 32), generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_8_bit_weights_see_bgr_minus_the_mean(tmp_path, float_weights, picture):
    stored = quantized(float_weights)
    save_file(stored, tmp_path / "vgg19.safetensors")
    restored = {name: stored[name].float() * stored[f"{name}.scale"] + stored[f"{name}.min"] for name in float_weights}
    bgr = (picture.flip(1) + 1) * 127.5 - torch.tensor([103.939, 116.779, 123.68]).view(3, 1, 1)
    for ours, theirs in zip(
        load_vgg19(tmp_path / "vgg19.safetensors")(picture), obvious_features(bgr, restored), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_torchvision_weights_see_normalised_rgb(tmp_path, float_weights, picture, suffix):
    state = {}
    for (block, i), index in zip(CONVOLUTIONS, TORCHVISION, strict=True):
        for kind in ("weight", "bias"):
            state[f"features.{index}.{kind}"] = float_weights[f"conv{block}_{i}.{kind}"]
    path = tmp_path / f"vgg19{suffix}"
    torch.save(state, path) if suffix == ".pth" else save_file(state, path)
    mean, std = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1), torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    expected = obvious_features(((picture + 1) / 2 - mean) / std, float_weights)
    for ours, theirs in zip(load_vgg19(path)(picture), expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
    raw = load_vgg19(path, normalize=False)(picture)
    torch.testing.assert_close(raw[0], obvious_features(picture, float_weights)[0], rtol=1e-4, atol=1e-4)


def test_perceptual_loss_weighs_the_five_layers_and_reaches_the_generated_picture(tmp_path, float_weights, picture):
    save_file(quantized(float_weights), tmp_path / "vgg19.safetensors")
    vgg19 = load_vgg19(tmp_path / "vgg19.safetensors")
    fake = picture.flip(3).requires_grad_()
    loss = perceptual_loss(vgg19, fake, picture)
    pairs = zip(vgg19(fake), vgg19(picture), (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1), strict=True)
    scale = 255 * (0.229 + 0.224 + 0.225) / 3  # these weights are made for 0..255
    torch.testing.assert_close(loss, sum(weight * (a - b).abs().mean() for a, b, weight in pairs) / scale)
    loss.backward()
    assert fake.grad is not None
    assert fake.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in vgg19.parameters())
    assert perceptual_loss(vgg19, picture, picture) == 0


def test_other_files_are_refused(tmp_path, float_weights):
    with pytest.raises(ModelError, match="no VGG19 weights at .*missing.pth.*leave --vgg19 out"):
        load_vgg19(tmp_path / "missing.pth")
    (tmp_path / "bad.safetensors").write_bytes(b"no weights")
    with pytest.raises(ModelError, match="bad.safetensors cannot be read as weights"):
        load_vgg19(tmp_path / "bad.safetensors")
    for content in (b"", b"no weights", b"hello"):
        (tmp_path / "bad.pth").write_bytes(content)
        with pytest.raises(ModelError, match="bad.pth is damaged or no PyTorch file"):
            load_vgg19(tmp_path / "bad.pth")
    save_file({"classifier.weight": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(ModelError, match="is no VGG19: want conv1_1.weight .* found classifier.weight"):
        load_vgg19(tmp_path / "other.safetensors")
    whole = quantized(float_weights)
    save_file(
        {name: tensor for name, tensor in whole.items() if name != "conv3_2.bias.min"}, tmp_path / "part.safetensors"
    )
    with pytest.raises(ModelError, match=r"no whole VGG19: conv3_2.bias.min is missing"):
        load_vgg19(tmp_path / "part.safetensors")
    save_file(float_weights | {"conv1_1.weight": torch.zeros(64, 1, 3, 3)}, tmp_path / "gray.safetensors")
    with pytest.raises(ModelError, match=r"conv1_1.weight is \(64, 1, 3, 3\), want \(64, 3, 3, 3\)"):
        load_vgg19(tmp_path / "gray.safetensors")
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(ModelError, match="holds a list, want a state dict"):
        load_vgg19(tmp_path / "list.pth")
