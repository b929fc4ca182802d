import numpy as np

from hitforge.evaluation.bootstrap import draws_of
from hitforge.evaluation.statistics import resample


class Spread:
    reason = "no events"

    def __init__(self, errors):
        self.errors = errors

    def __call__(self, weights):
        return {"spread": np.sqrt(np.average(self.errors**2, weights=weights))}


def calibrate(predictions):
    return {"scale": float(np.median(predictions.target / predictions.ensemble["energy"]))}


def calibrated(pieces):
    scaled = [p.calibration["scale"] * p.predictions.ensemble["energy"] / p.predictions.target for p in pieces]
    return np.concatenate(scaled) - 1


def evaluate(model, samples, weights, seed):
    found = {n: resample({"energy": Spread(e)}, np.ones(len(e)), 50, draws_of(seed, n)) for n, e in samples.items()}
    return {"model": model, "samples": found}


def compare(models, seed, sample):
    return []
