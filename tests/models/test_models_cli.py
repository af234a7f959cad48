"""`earthloom models` from the outside."""

import json

import pytest
from typer.testing import CliRunner

from earthloom.cli.models import app
from earthloom.errors import ModelError
from earthloom.models import names
from earthloom.models.pix2pixhd.config import TINY
from earthloom.models.registry import build
from earthloom.models.weights import save


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setattr(names, "SHIPPED", tmp_path / "weights")
    for part in ("m2m", "r2m-17"):
        save(tmp_path / "weights" / "series-test" / part, TINY, build(TINY, "generator"), meta={"role": part[:3]})

    def run(*arguments):
        result = CliRunner().invoke(app, list(arguments))
        if result.exception is not None:
            raise result.exception
        return result.stdout

    return run


def test_info_gives_the_paper_s_numbers(run):
    facts = json.loads(run("info", "pix2pixhd/paper", "--json"))
    assert facts["networks"] == {"generator": 182701827, "discriminator": 8303427}
    assert "generator: 182,701,827" in run("info", "pix2pixhd/paper")


def test_list_names_presets_and_weights(run):
    everything = json.loads(run("list", "--json"))
    assert everything["weights"] == ["series-test"]
    assert set(everything["presets"]) >= {"pix2pixhd/tiny", "pix2pixhd/small", "pix2pixhd/paper"}
    text = run("list")
    assert "pix2pixhd/paper" in text
    assert "series-test" in text


def test_info_of_weights_covers_each_part(run, tmp_path):
    facts = json.loads(run("info", "series-test", "--json"))
    assert facts["networks"] == {"m2m/generator": 5797, "r2m-17/generator": 5797}
    assert facts["checkpoints"]["r2m-17"]["meta"] == {"role": "r2m"}
    one = json.loads(run("info", str(tmp_path / "weights" / "series-test" / "m2m"), "--json"))
    assert one["networks"] == {"generator": 5797}
    assert one["checkpoints"]["."]["halo_px"] == 24
    assert max(map(len, run("info", "series-test").splitlines())) <= 80


def test_verify_says_sound_or_what_is_wrong(run, tmp_path):
    found = json.loads(run("verify", "series-test", "--json"))["checkpoints"]
    assert set(found) == {"m2m", "r2m-17"}
    assert run("verify", "series-test").count("sound") == 2
    file = tmp_path / "weights" / "series-test" / "m2m" / "model.safetensors"
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(ModelError, match="is damaged"):
        run("verify", "series-test")
