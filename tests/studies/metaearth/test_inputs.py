from pathlib import Path

import pytest
from typer.testing import CliRunner

from earthloom.cli.main import app
from earthloom.errors import ModelError
from earthloom.nn.inception import InceptionV3
from earthloom.nn.vgg import VGG19
from earthloom.pipelines.device import Device
from earthloom.pipelines.run import RunOptions
from earthloom.studies.metaearth import inputs
from earthloom.studies.metaearth.published import standing

FILE = Path("weights.pth")


@pytest.fixture
def any_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "load_inception", lambda path: InceptionV3().eval())
    monkeypatch.setattr(inputs, "load_vgg19", lambda path: VGG19((1.0,) * 3, (0.0,) * 3))


@pytest.mark.parametrize(
    ("inception", "vgg19", "name", "standing_words"),
    [
        (FILE, None, "inception-v3-pool3", "the network of the paper's FID, but not its pictures nor their number"),
        (FILE, FILE, "inception-v3-pool3", "the network of the paper's FID, but not its pictures nor their number"),
        (None, FILE, "vgg19-relu5_1", "not the FID of the paper, which is on InceptionV3"),
    ],
)
def test_pictures_are_compared_by_inception_where_it_is_given(
    any_file: None, inception: Path | None, vgg19: Path | None, name: str, standing_words: str
) -> None:
    features = inputs.read_features(inception, vgg19, RunOptions(device=Device.choose("cpu"), workers=1))
    assert features is not None
    assert features.name == name
    assert standing(name) == standing_words


def test_without_weights_there_are_no_features() -> None:
    assert inputs.read_features(None, None, RunOptions(device=Device.choose("cpu"), workers=1)) is None


def test_the_verb_reads_the_weights_it_is_given(catalog: Path, models: tuple[Path, Path], tmp_path: Path) -> None:
    words = ["--data", catalog, "--model", models[0], "--out", tmp_path / "report", "--inception", tmp_path / "no.pth"]
    with pytest.raises(ModelError, match=r"no InceptionV3 weights at .*no.pth"):
        CliRunner().invoke(app, ["reproduce", "metaearth", *map(str, words), "--quiet"], catch_exceptions=False)
