"""Occlusion maps, with a network whose answer is known."""

from __future__ import annotations

import numpy as np

from hitforge.studies.object_id.data.objects import ELECTRON, MUON, TAU
from hitforge.studies.object_id.data.stored import StoredObjects
from hitforge.studies.object_id.evaluation.explain import occlusion_maps
from tests.unit.object_id.part_builders import IMAGE, hand_made


def half_of_the_energy(images: np.ndarray, _eta: np.ndarray) -> np.ndarray:
    """Return as log probability of every class the EM energy of two cells of the same patch."""
    return np.repeat(images[:, 0, 4, 4:6].sum(axis=1, dtype=float)[:, None], 4, axis=1)


def stored(*objects: tuple[int, np.ndarray]) -> StoredObjects:
    n = len(objects)
    zeros = np.zeros(n, np.float32)
    return StoredObjects(
        image=np.concatenate([image for _, image in objects]),
        label=np.array([label for label, _ in objects]),
        pt=zeros,
        eta=zeros,
        phi=zeros,
        bucket=np.zeros(n, np.int64),
        part=np.full(n, "part"),
        entry=np.arange(n),
    )


def test_map_is_what_the_network_loses_with_a_patch() -> None:
    objects = stored(
        (ELECTRON, hand_made({(0, 4, 4): 3.0, (0, 4, 5): 1.0, (1, 9, 9): 2.0})),
        (ELECTRON, hand_made({(0, 10, 10): 5.0, (1, 9, 9): 2.0})),
        (MUON, hand_made({(0, 4, 4): 3.0})),
    )
    before = objects.image.copy()
    maps = occlusion_maps(half_of_the_energy, objects, IMAGE)
    expected = np.zeros((2, 16, 16))
    expected[0, 4:6, 4:6] = 4.0 / 2  # mean of the two electrons
    np.testing.assert_allclose(maps[ELECTRON], expected)
    assert np.all(maps[MUON] == 0)  # nothing is left without its only cell
    assert np.isnan(maps[TAU]).all()
    assert np.array_equal(objects.image, before)
