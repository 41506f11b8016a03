"""Keep what glibc has been given: large tensors are not mapped and cleared anew at every step.

By default blocks of 128 KiB and more are handed back when they are freed, and each new one costs a page fault
for every 4 KiB. Elsewhere than on Linux with glibc nothing is changed.
"""

import ctypes
import platform
import sys
from functools import lru_cache

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEPT_BYTES = 1 << 30


@lru_cache(maxsize=1)
def keep_freed_memory() -> bool:
    """Have this process use freed memory again; tell whether that could be asked for."""
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    settings = (_MMAP_THRESHOLD, _TRIM_THRESHOLD)
    return all(libc.mallopt(setting, _KEPT_BYTES) == 1 for setting in settings)
