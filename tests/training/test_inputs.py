"""What a run was begun with, and is resumed with."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from earthloom.data.build import build_shards
from earthloom.data.catalog import read_catalog
from earthloom.data.pairs import read_pairs
from earthloom.errors import DataError, TrainingError
from earthloom.training import checkpoint
from earthloom.training.fit import fit
from earthloom.training.inputs import sha256_of_samples
from earthloom.training.maps import regime
from earthloom.training.recipes import recipe
from earthloom.training.runtime import Runtime

CPU = Runtime(device="cpu", precision="fp32", quiet=True)
AGAIN = replace(CPU, resume=True)
SHORT = replace(recipe("series-tiny"), crop_px=32, warm_steps=1, adversarial_steps=0, weights=())


@pytest.fixture
def begun(pairs: Path, tmp_path: Path) -> Path:
    """A run in bfloat16 from trained weights."""
    trained = fit("series-tiny", replace(SHORT, warm_steps=0), [pairs], tmp_path / "trained", CPU)
    fit("series-tiny", SHORT, [pairs], tmp_path / "run", replace(CPU, precision="bf16", init=str(trained)))
    return tmp_path / "run"


def test_other_inputs_are_refused_by_name(
    begun: Path, pairs: Path, plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(regime, "perceptual_term", lambda *_: None)
    vgg19 = tmp_path / "vgg19.pth"
    vgg19.write_bytes(b"weights")
    other = fit("series-tiny", replace(SHORT, warm_steps=0, seed=1), [pairs], tmp_path / "other", CPU)
    same = replace(AGAIN, precision="bf16")
    for data, given, words in (
        ([pairs, plain], same, "other --data: .* resume with the same folders in the same order, or choose another"),
        ([pairs], replace(same, vgg19=vgg19), "other --vgg19: none, this one has [0-9a-f]{12}; .* the same weights"),
        ([pairs], replace(same, init=str(other)), "other --init: .* resume without --init"),
        ([pairs], AGAIN, "other --precision: bf16, this one has fp32; resume with --precision bf16"),
    ):
        with pytest.raises(TrainingError, match=words):
            fit("series-tiny", SHORT, data, begun, given)


def test_what_a_run_began_with_may_move(begun: Path, pairs: Path, tmp_path: Path) -> None:
    """And --init, needed no more, may be gone; the record keeps it all the same."""
    before = _header(begun)
    moved = pairs.rename(tmp_path / "moved")
    fit("series-tiny", SHORT, [moved], begun, replace(AGAIN, precision="bf16"))
    assert _header(begun)["inputs"] == before["inputs"]
    assert None not in (json.loads(before["inputs"])[name] for name in ("data", "init"))


def test_another_number_of_processes_is_refused(begun: Path, pairs: Path) -> None:
    header = _header(begun)
    header["inputs"] = json.dumps(json.loads(header["inputs"]) | {"processes": 2})
    save_file(load_file(begun / checkpoint.FILE), begun / checkpoint.FILE, header)
    with pytest.raises(TrainingError, match="other processes: 2, this one has 1; resume with torchrun .*=2"):
        fit("series-tiny", SHORT, [pairs], begun, replace(AGAIN, precision="bf16"))


def test_a_checkpoint_without_a_record_goes_on(begun: Path, pairs: Path) -> None:
    state = begun / checkpoint.FILE
    header = _header(begun)
    del header["inputs"]
    save_file(load_file(state), state, header)
    assert fit("series-tiny", SHORT, [pairs], begun, AGAIN) == begun / "generator"


def test_data_are_known_by_their_contents(pairs: Path, plain: Path, catalog: Path, tmp_path: Path) -> None:
    build_shards(pairs, tmp_path / "shards", shard_bytes=10_000)
    known = sha256_of_samples(read_pairs(pairs))
    assert sha256_of_samples(read_pairs(tmp_path / "shards")) == known
    assert sha256_of_samples(read_pairs(pairs)[::-1]) != known
    target = read_pairs(pairs)[0].target
    assert isinstance(target, Path)
    changed = bytearray(target.read_bytes())
    changed[len(changed) // 2 + 1] ^= 1
    target.write_bytes(changed)
    assert sha256_of_samples(read_pairs(pairs)) != known
    own, own_named = (sha256_of_samples(read_pairs(plain), named=named) for named in ([], ["plain"]))
    renamed = read_pairs(plain.rename(tmp_path / "renamed"))
    assert sha256_of_samples(renamed) == own
    assert sha256_of_samples(renamed, named=["plain"]) != own_named
    blocks = read_catalog(catalog)
    assert sha256_of_samples(blocks[:-1]) != sha256_of_samples(blocks)
    (catalog / "000000.tar").unlink()
    with pytest.raises(DataError, match="cannot be read"):
        sha256_of_samples(blocks)


def _header(out: Path) -> dict[str, str]:
    with safe_open(out / checkpoint.FILE, "pt") as file:
        return dict(file.metadata())
