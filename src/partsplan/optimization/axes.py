"""Array types, and axes of length 1 that let arrays of different depth meet."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

_Scalar = TypeVar("_Scalar", np.float64, np.int64, np.bool_)


def trailing(x: NDArray[_Scalar], ndim: int) -> NDArray[_Scalar]:
    """``x`` with axes of length 1 appended up to ``ndim``."""
    return x.reshape(x.shape + (1,) * (ndim - x.ndim))


def leading(x: NDArray[_Scalar], ndim: int) -> NDArray[_Scalar]:
    """``x`` with axes of length 1 put behind the first, up to ``ndim``: (part, 1..., rest)."""
    return x.reshape(x.shape[:1] + (1,) * (ndim - x.ndim) + x.shape[1:])
