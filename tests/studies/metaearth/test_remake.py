"""Made pictures are those of the cascade's own step, one window each."""

import numpy as np
from affine import Affine

from earthloom.geo.grid import Grid
from earthloom.geo.windows import Window
from earthloom.io.raster import Raster
from earthloom.loom.layer import Sight
from earthloom.nn.sampling import spaced_times
from earthloom.pipelines.denoise import Denoise
from earthloom.studies.metaearth.remake import remake, runs
from earthloom.studies.metaearth.study import Study

COARSE = np.random.default_rng(0).integers(60, 190, (3, 8, 8, 3), dtype=np.uint8)


def step(study: Study, gsd_m: float) -> Denoise:
    return Denoise(
        weights=study.weights,
        device=study.options.device,
        ground=Grid(crs=None, transform=Affine.identity()),
        gsd_m=4 * gsd_m,
        times=spaced_times(2, "quadratic"),
        sampler="dpm",
        noise="canvas",
        seed=7,
        stage=0,
        consistent=True,
    )


def test_each_is_one_window_in_its_own_place_with_its_own_resolution(study: Study) -> None:
    gsds_m = (4.0, 4.0, 1.0)
    made = remake(study.seeded(7), study.weights, COARSE, gsds_m)
    assert made.seconds > 0
    for index, gsd_m in enumerate(gsds_m):
        ground = Raster(COARSE[index].transpose(2, 0, 1), np.ones((8, 8), bool))
        (wanted,) = step(study, gsd_m).load()([Sight(Window(32 * index, 0, 32, 32), (ground,))])
        assert np.array_equal(made.made_NHW3[index].transpose(2, 0, 1), wanted.pixels)


def test_resolution_and_seed_matter_where_the_model_knows_them(study: Study, toy: object) -> None:
    made = [
        remake(study.seeded(seed), study.weights, COARSE, [gsd] * 3).made_NHW3 for seed, gsd in ((0, 1), (0, 4), (1, 1))
    ]
    assert not np.array_equal(made[0], made[1])
    assert not np.array_equal(made[0], made[2])


def test_neighbours_of_one_resolution_are_one_run() -> None:
    assert runs([4.0, 4.0, 1.0, 4.0]) == [(4.0, [0, 1]), (1.0, [2]), (4.0, [3])]
