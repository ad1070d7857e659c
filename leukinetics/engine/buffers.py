"""Output memory that is used again once nobody looks at it any more.

Fresh memory costs a page fault for every page it is first written to, which can take longer than computing what
is written. The last few output buffers are kept, and handed out again when no array refers to them.
"""

from __future__ import annotations

import math
import sys
import threading
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Bytes that may be kept in all, and buffers.
_KEEP_BYTES, _KEEP = 256 * 2**20, 2

_lock = threading.Lock()
_kept: list[NDArray[np.float64]] = []


def output_buffer(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """A float64 array of ``shape`` with arbitrary content, C-contiguous."""
    size = math.prod(shape)
    with _lock:
        for flat in _kept:
            # a buffer in use has views beyond the list, the loop variable and the call below
            if size <= flat.size <= 2 * size and sys.getrefcount(flat) <= 3:
                return flat[:size].reshape(shape)
        flat = np.empty(size)
        if flat.nbytes <= _KEEP_BYTES:
            _kept.append(flat)
            while len(_kept) > _KEEP or sum(b.nbytes for b in _kept) > _KEEP_BYTES:
                _kept.pop(0)
        return flat[:size].reshape(shape)
