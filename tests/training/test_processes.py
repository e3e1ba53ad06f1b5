"""Fits in several processes of this machine, started as torchrun starts them. Each test starts processes once."""

from __future__ import annotations

import numpy as np
import pytest
from tests.training import sessions
from tests.training.ranks import run_ranks


def results(ended):
    assert [one.status for one in ended] == [0] * len(ended), ended[-1].errors
    return [one.result for one in ended]


BOUNDS = [0, 0, 25, 59, 60]
"""First rows of the shards of four processes, of which one has none and one has one."""


@pytest.fixture(scope="module")
def four(tmp_path_factory):
    """What each of four processes returned."""
    folder = tmp_path_factory.mktemp("four")
    return results(run_ranks(folder, 4, "many", bounds=BOUNDS, kept=str(folder)))


def test_fits_in_two_processes_are_those_of_one_and_the_same_in_both(tmp_path):
    first, second = results(run_ranks(tmp_path, 2, "fits"))
    for rank in (first, second):  # each process computes all of this one, and times it
        rank["places"]["history"] = [{**record, "seconds": 0} for record in rank["places"]["history"]]
    assert first == second  # bytes of maps and weights, and all of the history
    assert first["left"] is False
    alone = sessions.fits()
    for name in ("exact", "all", "batch", "held out", "orbit", "places", "partial"):
        assert first[name]["embedding"] == pytest.approx(np.array(alone[name]["embedding"]), abs=2e-3), name
        for shared, single in zip(first[name]["history"], alone[name]["history"], strict=True):
            assert {**shared, "seconds": 0} == pytest.approx({**single, "seconds": 0}, rel=1e-3), name
    assert np.isfinite(first["dropout"]["embedding"]).all()


def test_four_processes_share_three_samples(four):
    assert all(rank["few"] == four[0]["few"] for rank in four)
    for shared, single in zip(four[0]["few"], sessions.few(), strict=True):
        # Adam turns rounding of a gradient close to 0 into a step: gradients are compared in test_distributed.
        assert np.array(shared["embedding"]) == pytest.approx(np.array(single["embedding"]), abs=1e-2)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("samples", "Rank 0 has samples "),
        ("number of samples", "Rank 0 has samples "),
        ("seed", "Rank 0 has random_state 0, and rank 1 has 1. Rank 0 has the seed drawn from random_state "),
        ("parameter", "Rank 0 has margin 1.0, and rank 1 has 2.0."),
        ("relations", "Rank 0 has relations "),
        ("estimator", "Rank 0 has the estimator DrLIM, and rank 1 has NeighborMap."),
        ("relations of places", "Rank 0 has relations "),
    ],
)
def test_processes_that_were_given_different_things_are_told_what(four, name, wanted):
    for rank in four:
        message = rank["refused"][name]
        assert message.startswith(f"Expected all 4 processes to be given the same. {wanted}")
        assert message.endswith("or fit each by itself inside drlim.training.alone().")


def test_processes_fit_after_they_were_refused(four):
    assert len({rank["refused"]["after"] for rank in four}) == 1


def test_an_encoder_that_normalises_by_a_batch_is_refused(four):
    for rank in four:
        assert "statistics of a batch (BatchNorm1d at '1')" in rank["refused"]["statistics"]


@pytest.mark.filterwarnings("ignore:'X' holds a value in row 41", "ignore:.* pairs of identical samples")
def test_shards_give_the_map_of_one_process_that_has_all_rows_and_the_same_bytes_to_all(four, tmp_path):
    alone = sessions.with_shards([0, 60], tmp_path)
    for rank in four:
        assert rank["shards"] == four[0]["shards"]  # bytes of maps and weights, and all of the history
    shards = four[0]["shards"]
    assert shards["checkpoint"] == shards["resumed"]
    for name, wanted in alone.items():
        found = shards[name]
        assert found["embedding"] == pytest.approx(np.array(wanted["embedding"]), abs=5e-3), name
        assert found["history"][0]["energy"] == pytest.approx(wanted["history"][0]["energy"], rel=1e-4), name
        if name != "train":
            in_input = [np.array(one["novelty"])[:, 0] for one in (found, wanted)]
            assert in_input[0] == pytest.approx(in_input[1], rel=1e-5, abs=1e-6), name


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("gap", "Rank 3 begins at row 35, and the ranks before it end before row 30: rows 30 to 34 are in no shard."),
        ("train", "Rank 3 begins at row 35, and the ranks before it end before row 30: rows 30 to 34 are in no shard."),
        ("gap at the start", "Rank 0 begins at row 2, and the ranks before it end before row 0: rows 0 to 1 are in no"),
        ("overlap", "Rank 1 begins at row 7, and the ranks before it end before row 10: rows 7 to 9 are in two shards"),
        ("end", "They have 56 together, and n_samples=60. 'start' is the number of rows of all ranks before."),
        ("number", "Rank 0 has n_samples 60, and rank 1 has 61."),
        ("shape", "Rank 0 has samples of shape (4,), and rank 3 has (3,)."),
        ("type", "Rank 0 has the type float32, and rank 1 has float64."),
        ("columns", "Rank 0 has the columns ['a', 'b', 'c', 'd'], and rank 3 has ['a', 'b', 'c', 'x']."),
        ("neighbours", "Expected 'graph' with a Shard, since neighbours are not looked for across processes:"),
        ("orbit", "Expected orbit=None with a Shard:"),
        (
            "places",
            "Expected 'X' of NeighborMap here to be samples. Got a Shard, which DrLIM.fit and drlim.train take:",
        ),
        ("transform", "Expected 'X' of DrLIM here to be samples. Got a Shard, which DrLIM.fit and drlim.train take:"),
        ("partial_fit", "Expected 'X' of DrLIM here to be samples. Got a Shard, which DrLIM.fit and drlim.train take:"),
    ],
)
def test_wrong_shards_are_refused_in_all_processes(four, name, wanted):
    for rank in four:
        assert wanted in rank["refused shards"][name]


def test_a_wrong_value_in_one_shard_ends_all_processes(four):
    messages = [rank["refused shards"]["value"] for rank in four]
    assert messages[3].startswith("ValueError: Input X contains NaN")
    for message in messages[:3]:
        assert message.startswith("GroupError: ")
        assert "ended by a failure of rank 3: ValueError: Input X contains NaN" in message


def test_a_process_without_a_shard_is_told_and_so_are_those_with_one(four):
    messages = [rank["refused shards"]["none"] for rank in four]
    for rank in (0, 2, 3):
        assert "given a Shard as 'X', or none of them. Rank 1 was given none" in messages[rank]
    assert "Rank 0 has a shard of 'X' {" in messages[1]


def test_a_callback_cannot_map_the_samples_of_other_processes(four):
    messages = [rank["refused shards"]["callback"] for rank in four]
    assert "The map of all training samples is not at hand in a callback" in messages[0]
    assert all("CallbackError" in message for message in messages)


def test_processes_fit_after_their_shards_were_refused(four):
    assert len({rank["refused shards"]["after"] for rank in four}) == 1


def test_processes_that_fit_apart_do_not_wait_for_each_other(four):
    assert len({rank["apart"] for rank in four}) == 4


def test_a_group_that_is_there_is_used_and_left_as_it_is(four):
    assert all(rank["group"] == four[0]["group"] for rank in four)
    first, again, total = four[0]["group"]
    assert first == again
    assert total == 4.0


def test_collectives_give_all_processes_the_same(four):
    found = four[0]["collectives"]
    assert all(rank["collectives"] == found for rank in four)
    assert found["rows"] == [0.0, 1.0, 1.0, 2.0, 2.0, 2.0, 3.0, 3.0, 3.0, 3.0]
    assert found["sum"] == pytest.approx(1.0)
    assert found["first"] == [0.0, 0.0]
    assert found["totals"] == [4.0, 3.0]
    assert found["texts"] == ["from 0", "from 1", "from 2", "from 3"]
    assert found["sent"] == {"rows": 8, "values": 5, "totals": 2}


def test_the_first_cause_of_a_failure_ends_all_processes(four):
    assert four[1]["failing"]["error"] == "FailedCallError"
    for rank in (0, 2, 3):
        assert four[rank]["failing"]["error"] == "GroupError"
        cause = "ended by a failure of rank 1: FailedCallError: The 'encoder' on float32 samples, (3, 4), fails"
        assert cause in four[rank]["failing"]["text"]
        assert four[rank]["failing"]["seconds"] < 40.0


def test_a_process_that_is_killed_ends_the_others(tmp_path):
    first, killed = run_ranks(tmp_path, 2, "failing", what="kill")
    assert killed.status == -9
    assert "ended by a failure of rank 1: gone without a word, as after a kill" in first.result["text"]
    assert first.result["seconds"] < 40.0


@pytest.mark.slow
def test_a_process_that_stops_ends_the_others(tmp_path):
    stopped = run_ranks(tmp_path, 3, "failing", what="stop", waits_for=[0, 2])
    for other in (stopped[0], stopped[2]):
        assert "ended by a failure of rank 1: nothing was heard of it for 6 seconds" in other.result["text"]
