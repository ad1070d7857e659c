"""Output memory that is used again once nobody looks at it any more.

Fresh memory costs a page fault for every page it is first written to, which can take longer than computing what
is written. The last few output buffers are kept, and handed out again when no array refers to them.
"""

from __future__ import annotations

import math
import threading
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Bytes that may be kept in all, and buffers.
_KEEP_BYTES, _KEEP = 256 * 2**20, 2

_lock = threading.Lock()
_kept: list[_Buffer] = []


class _Buffer:
    """Memory, and the array through which it is looked at.

    Views of views refer to the array at their root, so the memory is free when that root is gone. It has to
    lie on a memoryview: the root of a view of another array would be that other array.
    """

    def __init__(self, size: int) -> None:
        self._memory = np.empty(size).data
        self._root: weakref.ref[NDArray[np.float64]] | None = None
        self.size = size

    @property
    def free(self) -> bool:
        return self._root is None or self._root() is None

    def array(self, shape: tuple[int, ...]) -> NDArray[np.float64]:
        root: NDArray[Any] = np.frombuffer(self._memory, dtype=np.float64)
        self._root = weakref.ref(root)
        return root[: math.prod(shape)].reshape(shape)


def output_buffer(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """A float64 array of ``shape`` with arbitrary content, C-contiguous."""
    size = math.prod(shape)
    if size == 0:
        return np.empty(shape)
    with _lock:
        for buffer in _kept:
            if size <= buffer.size <= 2 * size and buffer.free:
                return buffer.array(shape)
        buffer = _Buffer(size)
        if 8 * size <= _KEEP_BYTES:
            _kept.append(buffer)
            while len(_kept) > _KEEP or sum(8 * b.size for b in _kept) > _KEEP_BYTES:
                _kept.pop(0)
        return buffer.array(shape)
