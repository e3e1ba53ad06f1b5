from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from drlim._base.state import usual_state


def made():
    return [torch.empty(2), torch.zeros(2), torch.ones(2), torch.rand(2), torch.nn.Linear(2, 2).weight]


@pytest.fixture
def float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.usefixtures("float64")
def test_what_names_no_dtype_is_of_float32():
    with usual_state():
        assert {tensor.dtype for tensor in made()} == {torch.float32}
        assert torch.zeros(2, dtype=torch.int8).dtype == torch.int8
        assert torch.get_default_dtype() == torch.float64  # a property of the process, which other threads see
    assert {tensor.dtype for tensor in made()} == {torch.float64}


def test_what_names_no_device_is_on_the_cpu():
    with torch.device("meta"):
        with usual_state():
            assert {tensor.device.type for tensor in made()} == {"cpu"}
        assert torch.zeros(2).device.type == "meta"


def test_autocast_and_inference_mode_are_left_and_entered_again():
    with torch.autocast("cpu", torch.bfloat16), torch.inference_mode():
        with usual_state():
            assert not torch.is_autocast_enabled("cpu")
            assert not torch.zeros(2).is_inference()
        assert torch.is_autocast_enabled("cpu")
        assert torch.zeros(2).is_inference()


def test_errors_of_numpy_are_handled_as_by_default_also_after_an_error():
    def fail():
        with usual_state():
            assert np.geterr() == {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}
            raise KeyError

    with np.errstate(all="raise"):
        with pytest.raises(KeyError):
            fail()
        assert set(np.geterr().values()) == {"raise"}


def test_other_threads_keep_their_state():
    with ThreadPoolExecutor(1) as pool, torch.device("meta"):
        pool.submit(torch.set_grad_enabled, False).result()  # starts the thread
        with usual_state():
            assert pool.submit(lambda: np.geterr()["under"]).result() == "ignore"
            assert pool.submit(torch.is_grad_enabled).result() is False


def test_where_all_is_as_usual_no_mode_is_entered():
    before = torch._C._len_torch_function_stack()
    with usual_state():
        assert torch._C._len_torch_function_stack() == before
