"""One thread for small steps: in the calling thread, for the block, and nowhere else."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest
import torch

from drlim._base.threads import LARGEST_SMALL_STEP, one_thread, threads_for

USED = """
import threading, time, torch
from torch import nn
from drlim._base.threads import one_thread

def share():
    "Share of the process's work that the calling thread did: 1 on one thread, about 1/2 on two."
    conv, x, a = nn.Conv2d(1, 16, 5, 2), torch.randn(64, 1, 28, 28), torch.randn(600, 600)
    process, thread = time.process_time(), time.thread_time()
    for _ in range(10):
        conv(x).square().mean().backward()
        a @ a
    return (time.thread_time() - thread) / (time.process_time() - process)

SET
def work():
    before = share()
    with one_thread():
        alone = share()
    print(before, alone, share())

thread = threading.Thread(target=work)
thread.start()
thread.join()
"""


def test_the_number_of_threads_is_one_inside_and_restored_after():
    before = torch.get_num_threads()
    with one_thread():
        assert torch.get_num_threads() == 1
        with one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before == 2


def test_an_error_restores_the_number():
    before = torch.get_num_threads()
    with pytest.raises(ZeroDivisionError), one_thread():
        1 / 0  # noqa: B018
    assert torch.get_num_threads() == before


def test_other_threads_keep_their_number():
    """One that ran before the block, and one that begins within it."""
    seen: dict[str, int] = {}
    inside, done = threading.Event(), threading.Event()

    def older() -> None:
        seen["before"] = torch.get_num_threads()
        inside.wait()
        seen["during"] = torch.get_num_threads()
        done.set()

    thread = threading.Thread(target=older)
    thread.start()
    while "before" not in seen:
        time.sleep(0.01)
    with one_thread():
        inside.set()
        done.wait()
        younger = threading.Thread(target=lambda: seen.update(younger=torch.get_num_threads()))
        younger.start()
        younger.join()
        assert torch.get_num_threads() == 1
    thread.join()
    assert seen == {"before": 2, "during": 2, "younger": 2}


@pytest.mark.parametrize("user_call", ["", "torch.set_num_threads(2)"])
def test_torch_works_on_one_thread_inside(user_call):
    """Convolutions and products of matrices, in a thread that used torch for the first time, whoever set the number.

    In a process of its own, since the user's call lasts.
    """
    run = subprocess.run(
        [sys.executable, "-c", USED.replace("SET", user_call)],
        capture_output=True,
        text=True,
        check=True,
        env={"OMP_NUM_THREADS": "2", "PATH": ""},
    )
    before, alone, after = (float(value) for value in run.stdout.split())
    assert alone > 0.8
    assert before < 0.75
    assert after < 0.75


def test_large_steps_keep_the_users_number():
    with threads_for(LARGEST_SMALL_STEP):
        assert torch.get_num_threads() == 1
    with threads_for(2 * LARGEST_SMALL_STEP):
        assert torch.get_num_threads() == 2
