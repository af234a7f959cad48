import platform
import subprocess
import sys

import pytest

CODE = """
import resource, sys
import numpy as np
from earthloom.execution.heap import keep_large_arrays
if sys.argv[1] == "keep":
    keep_large_arrays()
np.ones(6 << 20)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    np.ones(6 << 20)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has the setting")
def test_large_arrays_are_mapped_once() -> None:
    """Twenty arrays of 48 MB, one after the other."""
    faults = {
        how: int(subprocess.run([sys.executable, "-c", CODE, how], check=True, capture_output=True, text=True).stdout)
        for how in ("leave", "keep")
    }
    assert faults["keep"] < 100
    assert faults["leave"] > 20 * faults["keep"]
