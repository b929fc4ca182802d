from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hitforge.evaluation.bootstrap import bootstrap, standard_error
from hitforge.seeds import child_generator
from hitforge.studies.calo_muon.evaluation.quantiles import GroupedQuantiles

LEVELS = (0.0, 0.15865, 0.5, 0.84135, 1.0)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_grouped_quantiles_equal_a_loop_over_repeated_values(data: st.DataObject) -> None:
    n = data.draw(st.integers(0, 25))
    values = data.draw(hnp.arrays(np.float64, n, elements=st.floats(-1e4, 1e4)))
    groups = data.draw(hnp.arrays(np.int64, n, elements=st.integers(-1, 3)))
    counts = data.draw(hnp.arrays(np.int64, n, elements=st.integers(0, 4)))

    quantiles, sizes = GroupedQuantiles(values, groups, 4, LEVELS)(counts)

    for group in range(4):
        repeated = np.repeat(values[groups == group], counts[groups == group])
        assert sizes[group] == len(repeated)
        expected = np.quantile(repeated, LEVELS) if len(repeated) else np.full(len(LEVELS), np.nan)
        np.testing.assert_allclose(quantiles[group], expected, rtol=1e-12, atol=1e-9)


def test_quantiles_without_counts_are_those_of_the_sample() -> None:
    values = np.random.default_rng(1).normal(size=1000)
    quantiles, _ = GroupedQuantiles(values, np.zeros(1000, dtype=np.int64), 1, LEVELS)()
    np.testing.assert_allclose(quantiles[0], np.quantile(values, LEVELS), rtol=1e-13)


def test_error_of_a_median_is_the_known_one() -> None:
    x = np.random.default_rng(3).normal(10.0, 2.0, size=2000)
    median = GroupedQuantiles(x, np.zeros(len(x), dtype=np.int64), 1, (0.5,))
    replicas = bootstrap(lambda c: median(c)[0][0], len(x), 600, child_generator(1, "m"))
    assert standard_error(replicas)[0] == pytest.approx(np.sqrt(np.pi / 2) * 2.0 / np.sqrt(len(x)), rel=0.2)
