import sys
from types import SimpleNamespace

import pytest

from earthloom.errors import ModelError
from earthloom.models import names
from earthloom.models.pix2pixhd.config import TINY
from earthloom.models.registry import build
from earthloom.models.weights import save


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A package that ships one model of two networks."""
    home = tmp_path / "weights"
    monkeypatch.setattr(names, "SHIPPED", home)
    for part in ("m2m", "r2m-17"):
        save(home / "series-test" / part, TINY, build(TINY, "generator"), meta={"role": part[:3]})
    return home


def test_shipped_names_come_first(shipped, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "series-test").mkdir()
    assert names.shipped_names() == ["series-test"]
    assert names.resolve("series-test") == shipped / "series-test"
    assert names.resolve("series-test/m2m") == shipped / "series-test" / "m2m"
    assert list(names.checkpoint_folders(names.resolve("series-test"))) == ["m2m", "r2m-17"]
    with pytest.raises(ModelError, match="./series-test is no model"):
        names.resolve("./series-test")


def test_one_network_is_a_checkpoint_or_the_only_one_of_a_model(shipped, tmp_path):
    assert names.resolve_one("series-test/m2m") == shipped / "series-test" / "m2m"
    with pytest.raises(ModelError, match="series-test holds several networks: name one of series-test/m2m, series-te"):
        names.resolve_one("series-test")
    save(tmp_path / "model" / "only", TINY, build(TINY, "generator"), meta={})
    assert names.resolve_one(str(tmp_path / "model")) == tmp_path / "model" / "only"


def test_folders_are_taken_as_they_are(shipped, tmp_path):
    one = shipped / "series-test" / "m2m"
    assert names.resolve(str(one)) == one
    assert names.checkpoint_folders(one) == {"": one}


def test_without_shipped_weights_there_are_none(tmp_path, monkeypatch):
    monkeypatch.setattr(names, "SHIPPED", tmp_path / "none")
    assert names.shipped_names() == []
    with pytest.raises(ModelError, match="no model 'x': there are no shipped weights, or give a folder or owner/name"):
        names.resolve("x")


def test_presets_and_unknown_names_are_refused_with_the_way_out(shipped, tmp_path):
    with pytest.raises(ModelError, match="pix2pixhd/small is a preset without weights: train it, .*series-test"):
        names.resolve("pix2pixhd/small")
    for name in ("serial", "/nowhere/at/all", ""):
        with pytest.raises(ModelError, match="no model .*there are series-test"):
            names.resolve(name)
    with pytest.raises(ModelError, match=r"is no model: neither it nor a folder in it has a config\.json"):
        names.resolve(str(tmp_path / "weights" / ".."))


def test_owner_and_name_ask_the_hub(shipped, monkeypatch):
    asked = []

    def snapshot_download(hub_id, allow_patterns):
        asked.append((hub_id, allow_patterns))
        return str(shipped / "series-test")

    monkeypatch.setitem(sys.modules, "huggingface_hub", SimpleNamespace(snapshot_download=snapshot_download))
    assert names.resolve("someone/maps") == shipped / "series-test"
    assert asked == [("someone/maps", ["*config.json", "*model.safetensors", "*card.md"])]


def test_a_hub_that_does_not_answer_is_one_line(shipped, monkeypatch):
    def offline(*_, **__):
        raise ConnectionError("cannot reach the hub\nlong story")

    monkeypatch.setitem(sys.modules, "huggingface_hub", SimpleNamespace(snapshot_download=offline))
    with pytest.raises(ModelError, match=r"^no folder a/b, and the hub gave .*\(offline\?\): cannot reach the hub$"):
        names.resolve("a/b")
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ModelError, match=r"pip install 'earthloom\[hub\]'"):
        names.resolve("a/b")


def test_a_hub_model_of_others_is_refused(shipped, tmp_path, monkeypatch):
    (tmp_path / "foreign").mkdir()
    fake = SimpleNamespace(snapshot_download=lambda *_, **__: str(tmp_path / "foreign"))
    monkeypatch.setitem(sys.modules, "huggingface_hub", fake)
    with pytest.raises(ModelError, match=r"a/b on the Hugging Face hub is no Earthloom model: it has no config\.json"):
        names.resolve("a/b")
