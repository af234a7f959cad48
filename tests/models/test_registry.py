"""One contract over every preset."""

import json
import shutil

import pytest
import torch

from earthloom.errors import ModelError
from earthloom.models import registry
from earthloom.models.config_json import from_json, to_json
from earthloom.models.verify import verify
from earthloom.models.weights import load, save

NAMES = registry.preset_names()
MOST_PARAMETERS = 300_000_000
"""Larger networks would need 10 GB to train here; they are smaller presets made wider, and built on the meta device."""
NETWORKS = [
    (name, network)
    for name in NAMES
    for network, count in registry.describe(registry.preset(name))["networks"].items()
    if count <= MOST_PARAMETERS
]


def tensors(answer):
    return [answer] if isinstance(answer, torch.Tensor) else [tensor for part in answer for tensor in tensors(part)]


@pytest.mark.parametrize("name", NAMES)
def test_every_preset_is_described_without_weights_and_survives_json(name):
    config = registry.preset(name)
    facts = registry.describe(config)
    assert all(count > 0 for count in facts["networks"].values())
    back = json.loads(json.dumps(facts))
    assert from_json(type(config), back["config"]) == config
    assert from_json(type(config), to_json(config)) == config


def test_a_value_of_no_use_is_named_with_its_file():
    config = registry.preset("metaearth/tiny")
    with pytest.raises(ModelError, match="a/config.json: config: window_px is 100, want a multiple of 16"):
        from_json(type(config), {**to_json(config), "window_px": 100}, where="a/config.json: config")


@pytest.mark.parametrize(("name", "network"), NETWORKS)
def test_contract_of_every_network(tmp_path, name, network):
    config = registry.preset(name)
    inputs = registry.family_of(config).inputs[network](config)
    module, losses = _trained(config, network, inputs)
    assert losses == sorted(losses, reverse=True)
    assert not [key for key, parameter in module.named_parameters() if parameter.grad is None], "unused parameters"
    again = _trained(config, network, inputs)[0].state_dict()
    assert all(torch.equal(tensor, again[key]) for key, tensor in module.state_dict().items()), "not deterministic"
    del again

    save(tmp_path / "one", config, module, meta={}, network=network)
    loaded = load(tmp_path / "one").module
    module.eval()
    with torch.no_grad():
        for ours, theirs in zip(tensors(module(*inputs)), tensors(loaded(*inputs)), strict=True):
            assert torch.equal(ours, theirs)
    assert verify(tmp_path / "one")["network"] == network
    shutil.rmtree(tmp_path / "one")


def _trained(config, network, inputs):
    """A network after two steps towards zero outputs; the losses before each and after."""
    module = registry.build(config, network, seed=0)
    optimizer = torch.optim.SGD(module.parameters(), 1e-3)
    losses = []
    for _ in range(2):
        optimizer.zero_grad()
        loss = sum(output.square().mean() for output in tensors(module(*inputs)))
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    with torch.no_grad():
        losses.append(float(sum(output.square().mean() for output in tensors(module(*inputs)))))
    return module, losses


def test_the_paper_s_numbers():
    assert registry.describe(registry.preset("pix2pixhd/paper"))["networks"] == {
        "generator": 182_701_827,
        "discriminator": 8_303_427,
    }


def test_unknown_names_are_refused_with_those_there_are():
    for name in ("pix2pixhd/huge", "pix2pixhd", "nothing/tiny", ""):
        with pytest.raises(ModelError, match=r"no preset .*: there are pix2pixhd/tiny"):
            registry.preset(name)
    with pytest.raises(ModelError, match="no model 'stylegan': this version knows pix2pixhd"):
        registry.family_named("stylegan")
    with pytest.raises(ModelError, match="a dict is no configuration of pix2pixhd"):
        registry.family_of({})
    with pytest.raises(ModelError, match="pix2pixhd has no network 'encoder', it has generator, discriminator"):
        registry.build(registry.preset("pix2pixhd/tiny"), "encoder")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"extra": 1}, r"unknown fields \['extra'\], missing fields \[\]"),
        ({"norm": None}, "config.norm is None, want 'instance' | 'batch'"),
        ({"norm": "layer"}, "config.norm is 'layer'"),
        ({"widths": [8, "8"]}, r"config.widths\[1\] is '8', want int"),
        ({"widths": 8}, "config.widths is 8"),
        ({"num_blocks": True}, "config.num_blocks is True, want int"),
        ({"enhancer": {"width": 4}}, r"config.enhancer does not fit Enhancer: .*missing fields \['num_blocks'\]"),
        ({"enhancer": 4}, "config.enhancer is 4, want an object with the fields of Enhancer"),
    ],
)
def test_configurations_are_read_strictly(change, words):
    config = registry.preset("pix2pixhd/tiny")
    with pytest.raises(ModelError, match=words):
        from_json(type(config), to_json(config) | change)
