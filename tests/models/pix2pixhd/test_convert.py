"""`earthloom models convert`: published checkpoints in, folders of ours out; bad ones get one clear line."""

import os
import re
from pathlib import Path

import pytest
import torch

from earthloom.cli.main import main
from earthloom.models.verify import verify
from earthloom.models.weights import load


class Code:
    """Unpickled as code, it would leave a file behind."""

    def __reduce__(self):
        return os.system, ("touch ran",)


@pytest.fixture
def convert(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def call(*words):
        with pytest.raises(SystemExit) as left:
            main(["models", "convert", *words])
        return left.value.code, capsys.readouterr()

    return call


def with_old_statistics(state):
    """As PyTorch 0.3 saved it: running statistics of every instance norm, never used."""
    return state | {"model.2.running_mean": torch.zeros(4), "model.10.conv_block.6.running_var": torch.ones(16)}


@pytest.mark.parametrize("change", [dict, with_old_statistics], ids=["as is", "PyTorch 0.3"])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_generator_comes_out_sound_and_equal(oracle, convert, change, zipped):
    torch.save(change(oracle.weights("global")), "latest_net_G.pth", _use_new_zipfile_serialization=zipped)
    code, said = convert("latest_net_G.pth", "models/mine")
    assert (code, said.out.strip(), said.err) == (0, "models/mine", "")
    checkpoint = load(Path("models/mine"), model="pix2pixhd", network="generator")
    with torch.no_grad():
        ours = checkpoint.module(oracle.picture("global"))
    torch.testing.assert_close(ours, oracle.output("global"), rtol=0, atol=1e-5)
    assert checkpoint.licence == "see the source of the checkpoint"
    assert "`latest_net_G.pth`" in checkpoint.card


@pytest.mark.parametrize("name", ["local", "labels", "features", "verdicts"])
def test_every_published_network_is_converted(oracle, convert, name):
    torch.save({key: tensor.half() for key, tensor in oracle.weights(name).items()}, "half.pth")
    assert convert("half.pth", "out")[0] == 0
    facts = verify(Path("out"))
    assert facts["network"] == ("generator" if name in ("local", "labels") else "discriminator")
    assert facts["parameters"] == sum(tensor.numel() for tensor in oracle.weights(name).values())


def without(state, *names):
    return {name: tensor for name, tensor in state.items() if name not in names}


BAD_STATES = {
    "list": (list, "holds a list, want a state dict"),
    "training": (lambda state: {"model": state}, "has a dict under 'model'"),
    "code": (lambda state: state | {"model.1.bias": Code()}, r"holds code \(\w+.system\)"),
    "nothing": (lambda _: {}, "is no Pix2PixHD network: want model.1.weight, .* found nothing"),
    "another": (
        lambda _: {"conv1.weight": torch.zeros(4, 3, 7, 7), "bn1.weight": torch.zeros(4)},
        "is no Pix2PixHD network: .* found conv1.weight, bn1.weight",
    ),
    "encoder": (
        lambda state: {name: tensor for name, tensor in state.items() if "conv_block" not in name},
        "is no Pix2PixHD generator: it has no residual blocks",
    ),
    "batch": (lambda state: state | {"model.2.weight": torch.ones(4)}, r"has batch norm \(model.2.weight\)"),
    "tracked": (
        lambda state: state | {"model.2.num_batches_tracked": torch.tensor(7)},
        r"1 unexpected \(model.2.num_batches_tracked\)",
    ),
    "lacking": (lambda state: without(state, "model.7.bias"), r"as a Pix2PixHD generator: 1 missing \(model.7.bias\)"),
    "more": (lambda state: state | {"model2_1.1.bias": torch.ones(4)}, r"1 unexpected \(model2_1.1.bias\)"),
    "grey": (
        lambda state: state | {"model.19.weight": torch.zeros(1, 4, 7, 7)},
        r"model.19.weight is \(1, 4, 7, 7\), want \(3, 4, 7, 7\)",
    ),
}


@pytest.mark.parametrize("name", BAD_STATES)
def test_another_state_is_refused_by_name(oracle, convert, name):
    change, words = BAD_STATES[name]
    torch.save(change(oracle.weights("global")), f"{name}.pth")
    assert_refused(convert(f"{name}.pth", "out"), 1, f"{name}.pth.*{words}")
    assert os.listdir() == [f"{name}.pth"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.pth", "missing.pth cannot be read: No such file"),
        ("folder.pth", "folder.pth cannot be read: Is a directory"),
        ("empty.pth", "empty.pth is damaged or no PyTorch file"),
        ("text.pth", "text.pth is damaged or no PyTorch file"),
        ("truncated.pth", "truncated.pth is damaged or no PyTorch file"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(oracle, convert, name, words):
    Path("folder.pth").mkdir()
    Path("empty.pth").touch()
    Path("text.pth").write_text("hello there\n" * 9)
    torch.save(oracle.weights("global"), "whole.pth")
    Path("truncated.pth").write_bytes(Path("whole.pth").read_bytes()[:5000])
    assert_refused(convert(name, "out"), 1, words)
    assert not Path("out").exists()


def test_nothing_is_replaced_unless_asked_and_nothing_but_a_checkpoint_ever(oracle, convert):
    torch.save(oracle.weights("global"), "net.pth")
    assert convert("net.pth", "out")[0] == 0
    before = Path("out/config.json").read_bytes()
    assert_refused(convert("net.pth", "out"), 2, "out exists: .*--overwrite")
    torch.save(oracle.weights("features"), "net.pth")
    assert convert("net.pth", "out", "--overwrite")[0] == 0
    assert Path("out/config.json").read_bytes() != before
    Path("photos").mkdir()
    assert_refused(convert("net.pth", "photos", "--overwrite"), 1, "photos exists: .* left alone")


def assert_refused(answer, code, words):
    found, said = answer
    assert found == code, said
    assert said.err.startswith("earthloom: ")
    assert said.err.count("\n") == 1
    assert said.out == ""
    assert re.search(words, said.err), said.err
