"""Timing of alternatives in turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping


def in_turn(
    rounds: int, *, clock: Callable[[], float] = time.perf_counter, **actions: Callable[[], object]
) -> dict[str, float]:
    """Return the shortest time in seconds of each action, run one after another ``rounds`` times.

    The minimum is the run that other work on the machine disturbed least. Work of one thread is better measured with
    ``clock=time.process_time``.
    """
    best = dict.fromkeys(actions, float("inf"))
    for action in actions.values():
        action()
    for _ in range(rounds):
        for name, action in actions.items():
            start = clock()
            action()
            best[name] = min(best[name], clock() - start)
    return best


def ratios(times: Mapping[str, float], to: str) -> dict[str, float]:
    """Return the time of each action divided by that of ``to``."""
    return {f"{name} / {to}": seconds / times[to] for name, seconds in times.items() if name != to}
