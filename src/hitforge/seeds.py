"""One root seed, child streams by name: adding a stream never moves another one."""

from __future__ import annotations

import hashlib

import numpy as np


def child_seed(root: int, *names: str | int) -> int:
    """Return the 63-bit seed of a stream, from the seed of the run.

    The names say what the stream is for, from the large to the small: ``"cnn", "member_3", "order"``.
    """
    text = "/".join([str(root), *map(str, names)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def child_generator(root: int, *names: str | int) -> np.random.Generator:
    """Return a NumPy generator of the stream ``names``."""
    return np.random.Generator(np.random.PCG64DXSM(child_seed(root, *names)))
