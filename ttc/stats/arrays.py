"""The arrays that figures are computed on, and when two sums of them are equal."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

TIE = 1e-9
"""Sums this close are equal: the order of summation must not break a tie."""
