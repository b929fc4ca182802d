"""Boosters of each category, training cuts, baselines; the study's blocks of a simulated part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hitforge.config import load_settings
from hitforge.studies.base import load_study
from hitforge.studies.scouting_egamma.features import FEATURE_NAMES
from hitforge.studies.scouting_egamma.models.lookup import fit_lookup, lookup_columns
from hitforge.studies.scouting_egamma.models.trees import booster_tasks, categories, passes, tree_columns
from hitforge.studies.scouting_egamma.settings import CorrectionTreeSettings, EgammaModelSettings, TableSettings
from hitforge.studies.scouting_egamma.simulation.write import write_part
from tests.unit.scouting_egamma.builders import DEAD, simulated

SETTINGS = load_settings({"studies": ["scouting_egamma"], "preset": "demo"}).studies["scouting_egamma"]
STUDY = load_study("scouting_egamma", SETTINGS)


def trees(**keys: object) -> EgammaModelSettings:
    """A tree model with these keys."""
    return EgammaModelSettings(kind="trees", trees=CorrectionTreeSettings(**keys))


def even(features: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The same weight for all."""
    return np.ones(len(target))


@pytest.fixture(scope="module")
def block(tmp_path_factory: pytest.TempPathFactory):
    path = Path(tmp_path_factory.mktemp("part")) / "part.root"
    write_part(path, [simulated(6000)], DEAD)
    (found,) = STUDY.read(str(path))
    return found


def test_block_of_a_part(block) -> None:
    sample = simulated(6000)
    kept = sample.take(block.entry)
    assert (kept["e_reco"] > 0).all() and len(block) == ((sample["e_reco"] > 0) & (sample.matrix.sum((1, 2)) > 0)).sum()
    np.testing.assert_allclose(block.targets["y"] * kept["e_reco"], kept.true_energy, rtol=1e-6)
    mass = np.where(kept["is_electron"] > 0, 0.000511, 0)
    energy = np.sqrt((kept["gen_pt"].astype(float) * np.cosh(kept["gen_eta"].astype(float))) ** 2 + mass**2)
    np.testing.assert_allclose(kept.true_energy, energy)
    assert set(block.truth) == set(STUDY.layout.truth) and block.features.shape[1] == len(FEATURE_NAMES)
    assert not {*STUDY.layout.truth, *STUDY.layout.targets} & set(FEATURE_NAMES)


def test_each_candidate_belongs_to_one_booster(block) -> None:
    y = block.targets["y"]
    tasks = booster_tasks(trees(), even)
    weights = np.stack([task.weight(block.features, y) for task in tasks])
    np.testing.assert_array_equal(weights.sum(axis=0), 1)
    np.testing.assert_array_equal(weights.argmax(axis=0), categories(block.features))
    label = tasks[0].label(block.features, y)
    assert label.min() >= 0.2 and label.max() <= 2.0
    outputs = [np.full(len(y), 0.5 + 0.1 * c, np.float32) for c in range(4)]
    said = tree_columns(trees(), outputs, block.features)["y"]
    np.testing.assert_allclose(said, 0.5 + 0.1 * categories(block.features), rtol=1e-6)
    assert len(tasks) == SETTINGS.models["hgb"].n_files


def test_squared_energies_and_falling_spectra_are_weights(block) -> None:
    y, f = block.targets["y"], dict(zip(FEATURE_NAMES, block.features.T, strict=True))
    own = categories(block.features) == 2
    squared = booster_tasks(trees(objective="squared"), even)[2].weight(block.features, y)
    np.testing.assert_allclose(squared, np.where(own, f["e_reco"].astype(float) ** 2, 0))
    falling = STUDY.booster_tasks("hgb-falling")[2].weight(block.features, y)
    np.testing.assert_allclose(falling[own], (f["pt"] * y / 20)[own].astype(float) ** -2, rtol=1e-5)
    for_networks = STUDY.event_weight("cnn-falling", block.features, y)
    np.testing.assert_allclose(for_networks, (f["pt"] * y / 20).astype(float) ** -2, rtol=1e-5)


def test_quantiles_give_correction_and_width(block) -> None:
    settings = trees(objective="quantile")
    label = booster_tasks(settings, even)[0].label(block.features, block.targets["y"])
    np.testing.assert_allclose(label, np.log(np.clip(block.targets["y"], 0.2, 2.0)), rtol=1e-6)
    n, own = len(block), categories(block.features)
    # the levels 5, 16, 50, 84 and 95 %; those of category 3 cross and are put in order
    outputs = [np.tile(np.float32([-0.2, -0.1, 0.01 * c, 0.1, 0.2]), (n, 1)) for c in range(4)]
    outputs[3] = outputs[3][:, [1, 0, 2, 3, 4]]
    found = tree_columns(settings, outputs, block.features)
    np.testing.assert_allclose(found["y"], np.exp(0.01 * own), rtol=1e-6)
    np.testing.assert_allclose(found["ln_y_sigma"], 0.1, rtol=1e-6)
    assert (np.diff(found["ln_y_quantiles"], axis=1) > 0).all()
    with pytest.raises(ValueError, match="quantiles need the levels"):
        CorrectionTreeSettings(quantiles=(0.1, 0.5, 0.9))


def test_training_cuts(block) -> None:
    y = block.targets["y"]
    kept = {cuts: passes(cuts, block.features, y) for cuts in ("none", "observable", "truth")}
    assert kept["none"].all() and kept["observable"].sum() < len(y)
    assert (1 / y[kept["truth"]] > 0.6).all() and (block.truth["quality"][kept["truth"]] == 0).all()
    # observable cuts do not move when the truth does
    np.testing.assert_array_equal(passes("observable", block.features, 3 * y), kept["observable"])


def test_baselines(block) -> None:
    y = block.targets["y"]
    one = np.ones_like(y)
    raw = EgammaModelSettings(kind="table")
    assert (lookup_columns(raw, fit_lookup(raw, block.features, y, one), block.features)["y"] == 1).all()
    model = EgammaModelSettings(kind="table", table=TableSettings(content="e5x5", bins=5))
    found = lookup_columns(model, fit_lookup(model, block.features, y, one), block.features)["y"]
    f = dict(zip(FEATURE_NAMES, block.features.T, strict=True))
    chosen = (categories(block.features) == 1) & (np.abs(f["eta"]) < 0.5)
    # the calibrated energy of the 5 x 5 has its median at the true energy
    assert np.median((found / y)[chosen]) == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose((found * f["e_reco"] / f["e5x5"])[chosen].std(), 0, atol=1e-5)
    # candidates of no weight do not matter
    some = np.arange(len(y)) % 3 > 0
    weighted = fit_lookup(model, block.features, y, some.astype(np.float32))
    alone = fit_lookup(model, block.features[some], y[some], one[some])
    np.testing.assert_allclose(weighted["medians"], alone["medians"])
