import math

import pytest

from earthloom.errors import UsageError
from earthloom.training.config import override
from earthloom.training.diffusion.config import DiffusionConfig
from earthloom.training.diffusion.networks import preset
from earthloom.training.maps.config import MapsConfig
from earthloom.training.recipes import RECIPES, recipe
from earthloom.training.schedules import Schedule, factor


def test_settings_are_read_as_the_type_of_their_field() -> None:
    changed = override(
        recipe("series-r2m"),
        [
            "batch=8",
            "clip_norm=2",
            "select=dubai/road",
            "warm_lr=1e-3",
            "augment=false",
            "role=m2m",
            "scale=0.5,2",
            "gsd_m=none",
            "weights=a:1,b:0.5",
        ],
    )
    assert (changed.batch, changed.warm_lr, changed.augment, changed.role) == (8, 1e-3, False, "m2m")
    assert (changed.clip_norm, changed.select) == (2.0, "dubai/road")
    assert override(changed, ["clip_norm=none", "select=none"]).select is None
    assert (changed.scale, changed.gsd_m, changed.weights) == ((0.5, 2.0), None, (("a", 1.0), ("b", 0.5)))


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("batch", "is not key=value"),
        ("=3", "'=3' is not key=value"),
        ("bach=4", "--set bach: unknown; did you mean batch"),
        ("zzz=4", "--set zzz: unknown; there are model, crop_px"),
        ("batch=four", "--set batch=four: want a whole number"),
        ("warm_lr=fast", "want a number"),
        ("augment=yes", "want true or false"),
        ("role=map", "want r2m or m2m"),
        ("scale=1", "want LOW,HIGH"),
        ("weights=0.5", "want NAME:WEIGHT"),
        ("clip_norm=0", "clip_norm is 0.0, want more than 0"),
        ("clip_norm=some", "want a number or none"),
        ("select=dubai", "want PACK/mean_iou"),
        ("warm_schedule=steep", "want cosine or linear"),
        ("warm_lr=nan", "want a number"),
        ("scale=1,inf", "want LOW,HIGH"),
        ("weights=a:nan", "want NAME:WEIGHT"),
        ("warm_lr=-1", "warm_lr is -1.0, want at least 0"),
        ("weight_decay=-1", "weight_decay is -1.0, want at least 0"),
        ("ema_decay=1", "ema_decay is 1.0, want at least 0 and below 1"),
        ("batch=0", "batch is 0, want at least 1"),
        ("accumulate=0", "accumulate is 0, want at least 1"),
        ("scale=2,1", "0 < LOW <= HIGH"),
        ("seed=-1", "seed is -1, want at least 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(setting: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        override(recipe("series-r2m"), [setting])


def test_settings_of_another_regime_are_of_its_own_fields() -> None:
    changed = override(recipe("metaearth-small"), ["levels_m=4,16.5", "schedule=constant", "steps=7", "select=mean"])
    assert isinstance(changed, DiffusionConfig)
    assert (changed.levels_m, changed.schedule, changed.num_steps) == ((4.0, 16.5), "constant", 7)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("warm_steps=4", "--set warm_steps: unknown; did you mean .*rise_steps"),
        ("levels_m=fine", "want NUMBER,NUMBER,..."),
        ("levels_m=4,4", "give different metres per pixel"),
        ("levels_m=0,4", "give different metres per pixel"),
        ("clean_share=1.5", "clean_share is 1.5, want 0 to 1"),
        ("kappa=0", "want kappa above 0, gamma at least 0"),
        ("rise_steps=0", "rise_steps is 0, want at least 1"),
    ],
)
def test_settings_of_a_diffusion_that_make_no_sense_are_refused(setting: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        override(recipe("metaearth-small"), [setting])


@pytest.mark.parametrize("name", [name for name in RECIPES if isinstance(recipe(name), DiffusionConfig)])
def test_a_diffusion_recipe_fits_its_network_and_rises(name: str) -> None:
    config = recipe(name)
    assert isinstance(config, DiffusionConfig)
    assert config.crop_px == preset(config).window_px
    rates = [config.learning_rate(step) for step in range(config.rise_steps + 1)]
    assert rates[0] == pytest.approx(config.lr / config.rise_steps)
    assert rates[-2] == config.lr
    assert max(rates) == config.lr
    assert config.learning_rate(config.num_steps - 1) == config.lr * (0.01 if config.schedule == "cosine" else 1.0)


def test_an_unknown_recipe_is_refused() -> None:
    with pytest.raises(UsageError, match="no recipe 'series'; there are series-r2m"):
        recipe("series")


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("constant", [1.0, 1.0, 1.0, 1.0, 1.0]),
        ("half", [1.0, 1.0, 1.0, 0.5, 0.02]),
        ("linear", [0.2, 1.0, 50 / 95, 25 / 95, 0.01 / 0.95]),
        ("cosine", [0.2, 1.0, 0.01 + 0.99 * (0.5 + 0.5 * math.cos(math.pi * 46 / 95)), None, 0.01]),
    ],
)
def test_schedules_in_steps_0_4_50_75_and_99_of_100(schedule: Schedule, expected: list[float | None]) -> None:
    for step, value in zip((0, 4, 50, 75, 99), expected, strict=True):
        assert value is None or factor(schedule, step, 100) == pytest.approx(value)


@pytest.mark.parametrize("name", [name for name in RECIPES if isinstance(recipe(name), MapsConfig)])
def test_learning_rates_start_low_peak_and_end_low(name: str) -> None:
    config = recipe(name)
    assert isinstance(config, MapsConfig)
    warm = [config.learning_rate(step) for step in range(config.warm_steps)]
    if warm:
        assert max(warm) == pytest.approx(config.warm_lr, rel=1e-2)
        assert warm[-1] == pytest.approx(0.01 * config.warm_lr)
        assert warm[0] <= config.warm_lr
    if config.adversarial_steps:
        first = config.learning_rate(config.warm_steps)
        assert first == config.adversarial_lr
        assert config.learning_rate(config.num_steps - 1) < first
