"""How the C library treats the large arrays that every window needs again."""

import ctypes

_MMAP_THRESHOLD, _TRIM_THRESHOLD, _ARENA_MAX = -3, -1, -8
"""Parameters of mallopt(3)."""

_NEVER = 2**31 - 1


def keep_large_arrays() -> None:
    """Let glibc reuse the memory of large arrays, from one heap for all threads; elsewhere do nothing.

    As it comes, it maps every array above 32 MB anew and gives it back at once, so that the kernel clears the same
    pages for every layer of a network: about a tenth of a window's time. The peak stays what it was.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_ARENA_MAX, 1)
        mallopt(_MMAP_THRESHOLD, _NEVER)
        mallopt(_TRIM_THRESHOLD, _NEVER)
