import hashlib
import json
import os

import pytest
import torch
from safetensors.torch import load_file, save_file

from earthloom.errors import ModelError
from earthloom.models.header import read_header
from earthloom.models.pix2pixhd.config import PRESETS, TINY
from earthloom.models.registry import build
from earthloom.models.verify import verify
from earthloom.models.weights import WEIGHTS_FILE, load, save

META = {"role": "r2m", "palette": [[1, 2, 3]], "licence": "CC-BY-4.0"}


@pytest.fixture
def trained():
    """A tiny generator whose running statistics are not the initial ones."""
    generator = build(TINY, "generator", seed=3)
    generator(torch.rand(2, 3, 16, 16))
    return generator


@pytest.fixture
def folder(tmp_path, trained):
    save(tmp_path / "tiny", TINY, trained, meta=META, card="# Tiny\n")
    return tmp_path / "tiny"


def rewrite(folder, change):
    tensors = load_file(folder / WEIGHTS_FILE)
    change(tensors)
    save_file(tensors, folder / WEIGHTS_FILE)
    edit(folder, sha256=hashlib.sha256((folder / WEIGHTS_FILE).read_bytes()).hexdigest())


def edit(folder, **changes):
    values = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(values | changes))


def test_a_round_trip_gives_equal_outputs_and_everything_said(folder, trained):
    checkpoint = load(folder, model="pix2pixhd", network="generator")
    x_BCHW = torch.rand(1, 3, 16, 16)
    assert torch.equal(checkpoint.module(x_BCHW), trained.eval()(x_BCHW))
    assert not checkpoint.module.training
    assert checkpoint.config == TINY
    assert checkpoint.meta == META
    assert checkpoint.card == "# Tiny\n"
    assert checkpoint.licence == "CC-BY-4.0"
    assert sorted(path.name for path in folder.iterdir()) == ["card.md", "config.json", "model.safetensors"]
    assert os.listdir(folder.parent) == ["tiny"]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_saving_what_was_loaded_gives_equal_bytes(tmp_path, trained, dtype):
    sha256 = save(tmp_path / "one", TINY, trained, meta=META, dtype=dtype)
    checkpoint = load(tmp_path / "one")
    assert checkpoint.sha256 == sha256
    assert save(tmp_path / "two", TINY, checkpoint.module, meta=META, dtype=dtype) == sha256
    for name in (WEIGHTS_FILE, "config.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    stored = {tensor.dtype for tensor in load_file(tmp_path / "one" / WEIGHTS_FILE).values()}
    assert stored == {dtype, torch.int64}
    assert all(p.dtype == torch.float32 and p.requires_grad for p in checkpoint.module.parameters())


def test_channels_last_weights_are_saved_in_the_same_bytes(tmp_path, trained):
    sha256 = save(tmp_path / "one", TINY, trained, meta={})
    assert save(tmp_path / "two", TINY, trained.to(memory_format=torch.channels_last), meta={}) == sha256


def test_a_loaded_network_can_be_trained_on(folder):
    module = load(folder).module.train()
    module(torch.rand(1, 3, 16, 16)).sum().backward()
    assert all(parameter.grad is not None for parameter in module.parameters())


def test_nothing_is_replaced_unless_asked(folder, trained, tmp_path):
    before = (folder / WEIGHTS_FILE).read_bytes()
    with pytest.raises(ModelError, match="tiny exists: choose another or allow overwriting"):
        save(folder, TINY, trained, meta={})
    assert (folder / WEIGHTS_FILE).read_bytes() == before
    save(folder, TINY, build(TINY, "generator", seed=9), meta={}, overwrite=True)
    assert (folder / WEIGHTS_FILE).read_bytes() != before
    assert load(folder).card is None
    (tmp_path / "photos").mkdir()
    with pytest.raises(ModelError, match="photos exists: it has no config.json, so it is left alone"):
        save(tmp_path / "photos", TINY, trained, meta={}, overwrite=True)


def test_a_failed_save_leaves_the_old_checkpoint_and_no_rubbish(folder, trained, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    sha256 = load(folder).sha256
    monkeypatch.setattr("earthloom.models.header.Header.write", full)
    with pytest.raises(ModelError, match="tiny cannot be written: .*No space left on device"):
        save(folder, TINY, trained, meta={}, overwrite=True)
    monkeypatch.undo()
    assert load(folder).sha256 == sha256
    assert os.listdir(folder.parent) == ["tiny"]


def test_weights_of_another_shape_are_not_saved(tmp_path):
    with pytest.raises(
        ModelError, match=r"do not fit a generator to be saved in .*\d+ missing .*; \d+ of another shape"
    ):
        save(tmp_path / "wrong", PRESETS["small-m2m"], build(TINY, "generator"), meta={})
    assert not (tmp_path / "wrong").exists()


def test_loading_is_strict_and_reports_every_kind_of_misfit(folder):
    def spoil(tensors):
        del tensors["head.0.bias"]
        tensors["head.1.bias"] = torch.zeros(1)
        tensors["up.0.weight"] = torch.zeros(2, 2)

    rewrite(folder, spoil)
    words = (
        r"the weights do not fit .*tiny: 1 missing \(head.0.bias\); 1 unexpected \(head.1.bias\); "
        r"1 of another shape \(up.0.weight is \(2, 2\), want \(8, 4, 3, 3\)\)"
    )
    with pytest.raises(ModelError, match=words):
        load(folder)


def test_long_reports_name_the_first_few_and_count(folder):
    rewrite(folder, lambda tensors: [tensors.pop(name) for name in list(tensors)[:10]])
    with pytest.raises(ModelError, match=r"10 missing \([\w.]+, [\w.]+, [\w.]+, \.\.\.\)"):
        load(folder)


def test_another_checkpoint_is_refused_by_name(folder):
    with pytest.raises(ModelError, match="tiny is a pix2pixhd checkpoint, want a metaearth"):
        load(folder, model="metaearth")
    with pytest.raises(ModelError, match="tiny is a generator checkpoint, want a discriminator"):
        load(folder, network="discriminator")
    edit(folder, model="stylegan")
    with pytest.raises(ModelError, match="tiny is a 'stylegan' checkpoint; this version knows pix2pixhd"):
        load(folder)


def test_folders_that_are_no_whole_checkpoint_are_refused(folder, tmp_path):
    with pytest.raises(ModelError, match=r"nowhere is no checkpoint: it has no config\.json"):
        load(tmp_path / "nowhere")
    edit(folder, network="encoder")
    with pytest.raises(ModelError, match="names the network 'encoder'; pix2pixhd has generator, discriminator"):
        load(folder)
    edit(folder, network="generator", format=99)
    with pytest.raises(ModelError, match="has format 99, this version reads 1"):
        load(folder)
    (folder / "config.json").write_text("[]")
    with pytest.raises(ModelError, match="has format 'list'"):
        read_header(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(ModelError, match=r"config\.json cannot be read: .*get the checkpoint again"):
        load(folder)


def test_damaged_or_foreign_weights_are_refused(folder):
    whole = (folder / WEIGHTS_FILE).read_bytes()
    (folder / WEIGHTS_FILE).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match=r"model\.safetensors is damaged: .*get the checkpoint again"):
        load(folder)
    (folder / WEIGHTS_FILE).write_bytes(whole[:-4] + b"\0\0\0\1")
    with pytest.raises(ModelError, match=r"has sha256 [0-9a-f]{64}, config\.json says [0-9a-f]{64}"):
        load(folder)
    (folder / WEIGHTS_FILE).unlink()
    with pytest.raises(ModelError, match=r"tiny has no model\.safetensors"):
        load(folder)


def test_values_that_are_not_finite_are_not_loaded_and_no_output_of_them_passes(folder):
    facts = verify(folder)
    assert facts["output"] == [1, 5, 64, 64]
    assert facts["sha256"] == load(folder).sha256

    def spoil(tensors):
        tensors["head.0.bias"][0] = float("nan")

    rewrite(folder, spoil)
    with pytest.raises(ModelError, match=r"not finite in 1 tensors \(head\.0\.bias\)"):
        load(folder)
    rewrite(folder, lambda tensors: tensors["head.0.bias"].fill_(1e38))
    rewrite(folder, lambda tensors: tensors["head.0.weight"].fill_(3e38))
    with pytest.raises(ModelError, match="gives values that are not finite"):
        verify(folder)
