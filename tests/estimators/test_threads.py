"""Mapping from several threads at once: the same bytes as one after the other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from drlim import DrLIM, NeighborMap


@pytest.mark.parametrize(
    "estimator", [DrLIM(max_epochs=2, random_state=0), NeighborMap(max_epochs=1, random_state=0)], ids=["DrLIM", "map"]
)
def test_transform_from_several_threads_and_in_mixed_dtypes_is_the_serial_one(estimator):
    X = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)
    model = estimator.fit(X)
    batches = [X.astype([np.float32, np.float64][place % 2]) for place in range(24)]
    serial = [model.transform(batch) for batch in batches[:2]]
    with ThreadPoolExecutor(8) as pool:
        for place, found in enumerate(pool.map(model.transform, batches)):
            np.testing.assert_array_equal(found, serial[place % 2])
            assert found.dtype == batches[place].dtype
