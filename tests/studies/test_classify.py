import numpy as np
import pytest
import torch
from torch import nn

from earthloom.pipelines.device import Device
from earthloom.studies.class_folders import Labelled
from earthloom.studies.classify import Classifier, accuracy, learn, share_of_peak

CPU = Device.choose("cpu")


def data(num: int, seed: int) -> Labelled:
    """Draw noise that is brighter in red or in blue."""
    rng = np.random.default_rng(seed)
    pictures, labels = rng.integers(0, 150, (num, 8, 8, 3), dtype=np.uint8), rng.integers(2, size=num)
    for picture, label in zip(pictures, labels, strict=True):
        picture[..., 2 * label] += 100
    return Labelled(pictures_NSS3=pictures, labels_N=labels)


LINEAR = Classifier(
    name="linear", build=lambda classes, side_px: nn.Sequential(nn.Flatten(), nn.Linear(192, classes)), lr=0.02
)


def test_what_is_learnt_is_found_again_and_equal_seeds_learn_alike() -> None:
    state = torch.random.get_rng_state()
    networks = [learn(LINEAR, data(60, 0), 2, steps=20, seed=seed, device=CPU) for seed in (0, 0, 1)]
    assert torch.equal(torch.random.get_rng_state(), state)
    assert accuracy(networks[0], data(70, 1), device=CPU) == 1
    first, again, other = (network[1].weight for network in networks)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_accuracy_is_counted_over_all_batches() -> None:
    judged = data(70, 2)
    always = nn.Sequential(nn.Flatten(), nn.Linear(192, 2))
    nn.init.zeros_(always[1].weight)
    always[1].bias.data = torch.tensor([0.0, 1.0])
    assert accuracy(always, judged, device=CPU) == (judged.labels_N == 1).mean()


def test_the_learning_rate_rises_straight_and_falls_as_a_cosine() -> None:
    shares = [share_of_peak(step, 100) for step in range(100)]
    assert shares[:10] == pytest.approx(np.arange(1, 11) / 10)
    assert shares[55] == pytest.approx(0.5)
    assert shares[10] == 1
    assert shares[-1] < 0.001
    assert share_of_peak(0, 1) == 1
