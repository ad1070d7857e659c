"""Random numbers that know whose they are: each depends on (seed, name, index) and on nothing else.

A name's stream is Philox-4x64 (Salmon et al. 2011, doi:10.1145/2063384.2063405) keyed by SHA-256 of seed and
name, and entry ``i`` is the stream's ``i``-th output. So patient ``i`` has the same numbers in a table of ten
as in one of a million, in any chunk, and whatever other names are drawn.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtri

from leukinetics.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PER_COUNT = 4  # outputs of one Philox counter


def uniforms(seed: int, name: str, n: int, first: int = 0) -> NDArray[np.float64]:
    """Numbers strictly between 0 and 1 for indices ``first .. first + n - 1``, (n,)."""
    digest = hashlib.sha256(f"{check_seed(seed)}\x1f{name}".encode()).digest()
    stream = np.random.Philox(key=int.from_bytes(digest[:16], "little"))
    stream.advance(first // _PER_COUNT)
    skip = first % _PER_COUNT
    raw = stream.random_raw(skip + n)[skip:]
    return ((raw >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def normals(seed: int, name: str, n: int, first: int = 0) -> NDArray[np.float64]:
    """Standard normal numbers for indices ``first .. first + n - 1``, (n,): the quantiles of :func:`uniforms`."""
    return np.asarray(ndtri(uniforms(seed, name, n, first)))


def check_seed(seed: Any) -> int:
    """The seed as a whole number >= 0; DataError otherwise."""
    return check_count("The seed", seed)


def check_count(what: str, n: Any) -> int:
    """A whole number >= 0; DataError that names ``what`` otherwise."""
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 0:
        raise DataError(f"{what} is {n!r:.40}; it must be a whole number of 0 or more.")
    return int(n)
