"""Slow and obvious versions of what the study computes in bulk: one road at a time, hit by hit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hitforge.studies.csc_muon.data.roads import N_VARIABLES, Roads

NAMES = ("me11", "me12", "me2", "me3", "me4", "re1", "re2", "re3", "re4", "ge11", "ge21", "me0")
STATION = dict(zip(NAMES, (1, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 1), strict=True))
KINDS = ("phi", "theta", "bend", "time", "ring", "fr")


@dataclass(frozen=True)
class Hit:
    """One hit."""

    phi: float
    theta: float
    bend: float
    time: float
    ring: float
    fr: float


def hits_of(row: Sequence[float]) -> dict[str, Hit]:
    """Return the hits of a row of 87 variables by plane."""
    hits = {}
    for plane, name in enumerate(NAMES):
        if row[72 + plane] == 0:
            hits[name] = Hit(*(float(row[12 * block + plane]) for block in range(6)))
    return hits


def road(hits: dict[str, Hit], straightness: float = 4, zone: float = 0, word3: float = 20) -> list[float]:
    """Return the 87 variables of hits by plane."""
    row = [math.nan] * 72 + [1.0] * 12 + [straightness, zone, word3]
    for name, hit in hits.items():
        plane = NAMES.index(name)
        row[72 + plane] = 0.0
        for block, kind in enumerate(KINDS):
            row[12 * block + plane] = getattr(hit, kind)
    return row


def mode_of(hits: dict[str, Hit]) -> int:
    return sum({1: 8, 2: 4, 3: 2, 4: 1}[station] for station in {STATION[name] for name in hits})


def random_roads(n: int, seed: int) -> Roads:
    """Return roads with any combination of hits, ties and equal phi among them; not physical."""
    rng = np.random.default_rng(seed)
    variables = np.zeros((n, N_VARIABLES), dtype=np.float32)
    for i in range(n):
        hits = {
            name: Hit(
                float(rng.integers(2400, 2440) if rng.random() < 0.5 else rng.integers(0, 4951)),
                float(rng.integers(4, 89)),
                float(rng.integers(-82, 83)),
                float(rng.integers(-1, 1)),
                float(rng.integers(1, 5)),
                float(rng.integers(0, 2)),
            )
            for name in NAMES
            if rng.random() < 0.7
        }
        # at least one CSC hit, as every road has
        hits.setdefault("me2", Hit(2400, 20, 0, 0, 1, 1)) if not set(hits) & set(NAMES[:5]) else None
        variables[i] = road(hits, float(rng.integers(0, 9)), float(rng.integers(0, 6)), float(rng.integers(4, 89)))
    q_over_pt = np.where(rng.random(n) < 0.5, -1, 1) * rng.uniform(1 / 7000, 0.5, n)
    parameters = np.stack([q_over_pt, rng.uniform(-math.pi, math.pi, n), rng.uniform(1.2, 2.4, n)], axis=1)
    rows = [hits_of(row) for row in variables]
    return Roads(
        variables=variables,
        parameters=parameters.astype(np.float32),
        event=np.arange(n, dtype=np.uint64),
        n_hits=np.array([len(hits) for hits in rows], dtype=np.int32),
        mode=np.array([mode_of(hits) for hits in rows], dtype=np.int32),
        weight=np.ones(n, dtype=np.float32),
    )


def features(row: Sequence[float]) -> dict[str, float]:
    """Return the derived features of one road; what is missing is left out."""
    hits = hits_of(row)
    csc: dict[int, Hit] = {}
    for name in ("me12", "me11", "me2", "me3", "me4"):
        if name in hits:
            csc[STATION[name]] = hits[name]
    rpc = {STATION[name]: hits[name] for name in NAMES[5:9] if name in hits}
    best = {**rpc, **csc}
    pairs = [(a, b) for a in (1, 2, 3, 4) for b in range(a + 1, 5)]
    dphi = {(a, b): best[a].phi - best[b].phi for a, b in pairs if a in best and b in best}
    sign = -1.0 if dphi and next(iter(dphi.values())) < 0 else 1.0
    out = {"fold_sign": sign, "n_hits": float(len(hits)), "mode": float(mode_of(hits)), "pattern": sign * (row[84] - 4)}
    for (a, b), difference in dphi.items():
        out[f"dphi_{a}{b}"] = sign * difference
        out[f"dtheta_{a}{b}"] = best[a].theta - best[b].theta
    for station in (1, 2, 3, 4):
        out[f"rpc_{station}"] = float(station in rpc and station not in csc)
        if station in csc:
            out[f"bend_{station}"] = sign * csc[station].bend
            out[f"front_{station}"] = csc[station].fr
    if len(dphi) == 6:
        spread = {n: sum(abs(d) for pair, d in dphi.items() if n in pair) for n in (1, 2, 3, 4)}
        worst = max(spread, key=lambda n: spread[n])
        rest = [spread[n] for n in spread if n != worst]
        outlier = worst if spread[worst] > 1.5 * sum(rest) / 3 else 0
        kept = [d for pair, d in dphi.items() if outlier not in pair]
        out |= {
            "outlier_station": float(outlier),
            "dphi_sum4": sign * sum(dphi.values()),
            "dphi_sum4_abs": sum(map(abs, dphi.values())),
            "dphi_sum3": sign * sum(kept),
            "dphi_sum3_abs": sum(map(abs, kept)),
        }
    if "me11" in hits or "me12" in hits:
        out["st1_ring2"] = 0.0 if "me11" in hits else 1.0
    for name in ("me2", "me3", "me4", "me11", "me12"):
        if name in hits:
            out["theta"] = hits[name].theta
            break
    for name, plane in (("gem", "ge11"), ("me0", "me0")):
        if plane in hits and "me11" in hits:
            local = sign * (hits[plane].phi - hits["me11"].phi)
            out[f"{name}_bend"] = local
            out[f"{name}_bend_{'front' if hits['me11'].fr == 1 else 'rear'}"] = local
    return out
