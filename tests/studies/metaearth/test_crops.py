import numpy as np
from PIL import Image

from earthloom.studies.metaearth.crops import cut_crops, held_out_crops
from earthloom.studies.metaearth.study import Study


def test_every_block_gives_one_before_any_gives_a_second(study: Study) -> None:
    blocks = study.held_out()[1.0]
    once, more, again = (cut_crops(blocks, side_px=32, num=num, seed=0) for num in (12, 20, 20))
    assert once is not None
    assert more is not None
    assert again is not None
    assert {block.site for block in once.blocks} == {block.site for block in blocks}
    sites = [block.site for block in more.blocks]
    assert sorted(sites.count(site) for site in set(sites)) == [1] * 4 + [2] * 8
    assert np.array_equal(more.real_NHW3, again.real_NHW3)
    assert list(more.gsds_m) == sorted(more.gsds_m, reverse=True)


def test_crops_are_squares_of_their_blocks_side_by_side(study: Study) -> None:
    crops = cut_crops(study.held_out()[1.0], side_px=32, num=999, seed=0)
    assert crops is not None
    assert len(crops.blocks) == 12 * 4
    for picture, block in zip(crops.real_NHW3, crops.blocks, strict=True):
        pixels = block.load()
        squares = [pixels[row : row + 32, col : col + 32] for row in (0, 32) for col in (0, 32)]
        assert any(np.array_equal(picture, square) for square in squares)


def test_coarse_ones_are_bicubic_reductions_and_training_ground_is_not_shown(study: Study) -> None:
    crops = held_out_crops(study, 4.0)
    assert crops is not None
    assert {block.split for block in crops.blocks} == {"val"}
    wanted = np.array(Image.fromarray(crops.real_NHW3[0]).resize((8, 8), Image.Resampling.BICUBIC))
    assert np.array_equal(crops.coarse()[0], wanted)
    assert held_out_crops(study, 16.0) is None
    assert cut_crops(study.held_out()[1.0], side_px=65, num=4, seed=0) is None
