"""Compilation of the simulation's inner loops and their random numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

_F = TypeVar("_F", bound=Callable[..., Any])

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_TO_UNIT = 2.0**-53


def compiled(function: _F) -> _F:
    """Compile with numba, without the interpreter lock, NumPy's rules for division."""
    return cast(_F, numba.njit(nogil=True, error_model="numpy")(function))


def compiled_to_disk(function: _F) -> _F:
    """Compile likewise and keep the machine code in numba's cache.

    Numba looks only at the function's own file to tell whether a cached copy is current, so the function must hold
    :func:`source_fingerprint` in its closure: that is part of the cache key.
    """
    return cast(_F, numba.njit(cache=True, nogil=True, error_model="numpy")(function))


def source_fingerprint() -> int:
    """Return a number that changes with the source of any module of the simulation."""
    digest = hashlib.blake2b(digest_size=4)
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return int.from_bytes(digest.digest(), "big")


@compiled
def mix(value: np.uint64) -> np.uint64:
    """Scramble 64 bits (finaliser of SplitMix64: Steele, Lea and Flood, OOPSLA 2014)."""
    value = (value ^ (value >> _S30)) * _MIX_1
    value = (value ^ (value >> _S27)) * _MIX_2
    return value ^ (value >> _S31)


@compiled
def event_state(seed: np.uint64, event: np.uint64) -> np.uint64:
    """Return the generator state of one event: a function of (seed, event number) alone."""
    return mix(mix(seed + _GAMMA) ^ mix(event * _GAMMA + _MIX_1))


@compiled
def uniform(state: NDArray[np.uint64]) -> float:
    """Return a number in (0, 1), never either end, and advance ``state[0]`` (SplitMix64)."""
    state[0] += _GAMMA
    return (float(mix(state[0]) >> _S11) + 0.5) * _TO_UNIT


@compiled
def gauss(state: NDArray[np.uint64]) -> float:
    """Return a standard normal number (Marsaglia's polar method, second number dropped)."""
    while True:
        a = 2.0 * uniform(state) - 1.0
        b = 2.0 * uniform(state) - 1.0
        s = a * a + b * b
        if 0.0 < s < 1.0:
            return a * float(np.sqrt(-2.0 * np.log(s) / s))
