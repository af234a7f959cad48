"""Settings every test shares: equal examples on every run, one thread a worker."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two workers on two cores; before anything imports torch

from hypothesis import HealthCheck, settings

settings.register_profile(
    "earthloom",
    deadline=None,
    derandomize=True,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("earthloom")
