"""Parameter counts are those published for the networks; the closed form is written out for ResNet34."""

import pytest
import torch

from earthloom.studies.classifiers import ResNet34, VGGNet, ViT


def count(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def resnet34(num_classes: int) -> int:
    total, before = 3 * 64 * 49 + 2 * 64, 64
    for channels, num_blocks in ((64, 3), (128, 4), (256, 6), (512, 3)):
        for _ in range(num_blocks):
            total += 9 * before * channels + 9 * channels**2 + 4 * channels
            total += before * channels + 2 * channels if before != channels else 0
            before = channels
    return total + 513 * num_classes


def test_resnet34_has_the_published_parameters() -> None:
    with torch.device("meta"):
        assert count(ResNet34(7)) == resnet34(7) == 21_288_263
        assert count(ResNet34(1000)) == 21_797_672


def test_resnet34_halves_five_times() -> None:
    network = ResNet34(7).eval()
    with torch.inference_mode():
        sides = [block(torch.zeros(1, 64, 16, 16)).shape[-1] for block in (network.blocks[:3], network.blocks)]
        assert network.stem(torch.zeros(1, 3, 64, 64)).shape == (1, 64, 16, 16)
        assert network(torch.zeros(2, 3, 64, 64)).shape == (2, 7)
    assert sides == [16, 2]


@pytest.mark.parametrize(("patch_px", "parameters"), [(16, 86_567_656), (32, 88_224_232)])
def test_transformers_have_the_published_parameters(patch_px: int, parameters: int) -> None:
    with torch.device("meta"):
        assert count(ViT(1000, side_px=224, patch_px=patch_px, width=768, depth=12, heads=12)) == parameters


def test_vgg19_has_the_published_parameters() -> None:
    with torch.device("meta"):
        assert count(VGGNet(1000)) == 143_667_240


def test_a_transformer_reads_patches_row_by_row_and_blocks_differ() -> None:
    network = ViT(3, side_px=16, patch_px=8, width=8, depth=2, heads=2).eval()
    with torch.inference_mode():
        assert network(torch.zeros(2, 3, 16, 16)).shape == (2, 3)
    first, second, _ = network.blocks
    assert not torch.equal(first.self_attn.in_proj_weight, second.self_attn.in_proj_weight)
