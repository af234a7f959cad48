import numpy as np
import pytest
import torch

from earthloom.errors import DataError, ModelError, ShapeError
from earthloom.metrics.features import Features, check_features, inception_features, vgg19_features
from earthloom.nn.inception import InceptionV3
from earthloom.nn.vgg import VGG19

PICTURES = np.random.default_rng(0).integers(0, 256, (5, 16, 35, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def vgg19() -> VGG19:
    torch.manual_seed(0)
    return VGG19((1.0, 2.0, 3.0), (0.1, 0.2, 0.3), scale=7.0)


@pytest.mark.parametrize(("layer", "index", "num"), [("relu5_1", 4, 512), ("relu3_1", 2, 256), ("relu1_1", 0, 64)])
def test_they_are_the_mean_of_a_layer_picture_by_picture(vgg19: VGG19, layer: str, index: int, num: int) -> None:
    features = vgg19_features(vgg19, layer, batch_size=2)
    found = features(PICTURES)
    assert (features.name, features.num) == (f"vgg19-{layer}", num)
    assert (found.shape, found.dtype) == ((5, num), np.float64)
    for picture, row in zip(PICTURES, found, strict=True):
        x = torch.tensor(picture / 127.5 - 1, dtype=torch.float32)
        maps = vgg19(x.permute(2, 0, 1)[None])[index][0].detach().numpy()
        assert maps.std() > 0
        np.testing.assert_allclose(row * 7, maps.mean(axis=(1, 2)), rtol=1e-4, atol=1e-6)


def test_those_of_inception_are_its_output_picture_by_picture() -> None:
    torch.manual_seed(0)
    inception = InceptionV3().eval().requires_grad_(False)
    features = inception_features(inception, batch_size=1)
    found = features(PICTURES[:2])
    assert (features.name, features.num) == ("inception-v3-pool3", 2048)
    assert (found.shape, found.dtype) == ((2, 2048), np.float64)
    x = torch.tensor(PICTURES[:2] / 127.5 - 1, dtype=torch.float32).permute(0, 3, 1, 2)
    np.testing.assert_allclose(found, inception(x), rtol=1e-4, atol=1e-6)


def test_no_pictures_have_no_features(vgg19: VGG19) -> None:
    assert vgg19_features(vgg19)(PICTURES[:0]).shape == (0, 512)


def test_anything_may_be_features() -> None:
    colour = Features(name="mean colour", num=3, compute=lambda pictures: pictures.mean(axis=(1, 2)))
    assert colour(PICTURES).shape == (5, colour.num)


@pytest.mark.parametrize("pictures", [PICTURES[0], PICTURES[:, :15], PICTURES[..., :1], PICTURES / 255])
def test_other_pictures_are_refused(vgg19: VGG19, pictures: np.ndarray) -> None:
    with pytest.raises(ShapeError, match=r"vgg19-relu5_1 wants uint8 pictures \(N, H, W, 3\) .* 16 px, got "):
        vgg19_features(vgg19)(pictures)


def test_other_layers_are_refused(vgg19: VGG19) -> None:
    with pytest.raises(ModelError, match=r"no layer 'relu5_4' .* relu5_1"):
        vgg19_features(vgg19, "relu5_4")


def test_sets_that_do_not_fit_are_refused() -> None:
    check_features(np.zeros((2, 3)), np.zeros((5, 3)))
    for other in (np.zeros((5, 4)), np.zeros(3)):
        with pytest.raises(ShapeError, match=r"of one D, got \(2, 3\), "):
            check_features(np.zeros((2, 3)), other)
    with pytest.raises(DataError, match="of picture 1 are not finite"):
        check_features(np.array([[1.0, 2.0], [np.nan, 1.0]]))
