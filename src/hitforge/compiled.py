"""The one way that hitforge compiles a kernel: numba, cached on disk, strict IEEE arithmetic, one thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from numba import njit

_P = ParamSpec("_P")
_R = TypeVar("_R")


def compiled(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Compile a function at its first call and keep the machine code beside its module.

    No ``fastmath`` and no threads: the same input has to give the same bits in every job. A compiled function may
    call, and read constants of, its own module only: machine code is renewed when that module changes, and an edit
    of another one would go unnoticed.
    """
    return cast(Callable[_P, _R], njit(cache=True)(function))
