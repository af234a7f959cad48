import numpy as np
import pytest
import torch

from earthloom.errors import ShapeError
from earthloom.models.pix2pixhd.palette import colours, soft_colours

PALETTE = ((240, 238, 233), (255, 255, 255), (200, 180, 160), (170, 210, 150), (120, 170, 220))


def test_colours_are_exactly_the_palette_s():
    logits_BKHW = torch.randn(2, 5, 7, 9, generator=torch.Generator().manual_seed(0))
    picture = colours(logits_BKHW, PALETTE)
    assert picture.dtype == torch.uint8
    assert picture.shape == (2, 3, 7, 9)
    expected = np.array(PALETTE, np.uint8)[logits_BKHW.numpy().argmax(1)].transpose(0, 3, 1, 2)
    assert np.array_equal(picture.numpy(), expected)


def test_equal_classes_give_the_first():
    assert colours(torch.zeros(1, 5, 1, 1), PALETTE).flatten().tolist() == list(PALETTE[0])


def test_soft_colours_approach_the_exact_ones():
    logits_BKHW = torch.randn(2, 5, 7, 9, generator=torch.Generator().manual_seed(0))
    certain = soft_colours(logits_BKHW * 1e4, PALETTE)
    torch.testing.assert_close(certain, colours(logits_BKHW, PALETTE).float() / 127.5 - 1)


def test_undecided_logits_give_the_mean_colour_and_a_gradient():
    logits_BKHW = torch.zeros(1, 5, 2, 2, dtype=torch.bfloat16, requires_grad=True)
    soft = soft_colours(logits_BKHW, PALETTE)
    mean = torch.tensor(PALETTE).float().mean(0) / 127.5 - 1
    torch.testing.assert_close(soft[0, :, 0, 0], mean)
    assert soft.dtype == torch.float32
    soft[:, 0].sum().backward()
    assert logits_BKHW.grad.abs().sum() > 0


@pytest.mark.parametrize("shape", [(1, 4, 2, 2), (5, 2, 2)])
def test_another_number_of_logits_is_refused(shape):
    for function in (colours, soft_colours):
        with pytest.raises(ShapeError, match=r"want logits \(B, 5, H, W\) for 5 colours, got"):
            function(torch.zeros(shape), PALETTE)
