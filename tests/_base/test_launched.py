from __future__ import annotations

import pytest
import torch
from joblib import Parallel, delayed

from drlim._base.joining import is_first, joined, present_group
from drlim._base.launched import VARIABLES, is_launched, launched_rank


@pytest.fixture
def launched(monkeypatch):
    for name, value in zip(VARIABLES, ("3", "4", "127.0.0.1", "29999"), strict=True):
        monkeypatch.setenv(name, value)


def test_a_process_is_one_of_several_where_all_variables_say_so(launched, monkeypatch):
    assert (is_launched(), launched_rank(), is_first()) == (True, 3, False)
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert (is_launched(), launched_rank(), is_first()) == (False, 0, True)


@pytest.mark.parametrize("name", VARIABLES)
def test_no_group_is_made_where_a_variable_is_missing(launched, monkeypatch, name):
    monkeypatch.delenv(name)
    assert not is_launched()
    with joined(torch.device("cpu")) as group:
        assert group.size == 1
        assert present_group() is group


@pytest.mark.usefixtures("launched")
def test_a_process_that_was_started_by_a_member_is_none():
    assert Parallel(n_jobs=2)(delayed(is_launched)() for _ in range(2)) == [False, False]
