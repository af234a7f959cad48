import pytest

from earthloom.errors import UsageError
from earthloom.training.config import TrainConfig, override
from earthloom.training.networks import learning_rate
from earthloom.training.recipes import RECIPES, recipe


def test_settings_are_read_as_the_type_of_their_field() -> None:
    changed = override(
        recipe("series-r2m"),
        ["batch=8", "warm_lr=1e-3", "augment=false", "role=m2m", "scale=0.5,2", "gsd_m=none", "weights=a:1,b:0.5"],
    )
    assert (changed.batch, changed.warm_lr, changed.augment, changed.role) == (8, 1e-3, False, "m2m")
    assert (changed.scale, changed.gsd_m, changed.weights) == ((0.5, 2.0), None, (("a", 1.0), ("b", 0.5)))


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("batch", "is not key=value"),
        ("bach=4", "--set bach: unknown; did you mean batch"),
        ("zzz=4", "--set zzz: unknown; there are model, role"),
        ("batch=four", "--set batch=four: want a whole number"),
        ("warm_lr=fast", "want a number"),
        ("augment=yes", "want true or false"),
        ("role=map", "want r2m or m2m"),
        ("scale=1", "want LOW,HIGH"),
        ("weights=0.5", "want NAME:WEIGHT"),
        ("batch=0", "at least 1, got 256, 0"),
        ("scale=2,1", "0 < LOW <= HIGH"),
        ("seed=-1", "at least 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(setting: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        override(recipe("series-r2m"), [setting])


def test_an_unknown_recipe_is_refused() -> None:
    with pytest.raises(UsageError, match="no recipe 'series'; there are series-r2m"):
        recipe("series")


@pytest.mark.parametrize("name", RECIPES)
def test_learning_rates_start_low_peak_and_end_low(name: str) -> None:
    config: TrainConfig = recipe(name)
    warm = [learning_rate(config, step) for step in range(config.warm_steps)]
    if warm:
        assert max(warm) == pytest.approx(config.warm_lr, rel=1e-2)
        assert warm[-1] == pytest.approx(0.01 * config.warm_lr)
        assert warm[0] <= config.warm_lr
    first = learning_rate(config, config.warm_steps)
    assert first == config.adversarial_lr
    assert learning_rate(config, config.num_steps - 1) < first
