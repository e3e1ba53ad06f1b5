"""Errors of a user's own functions."""

from __future__ import annotations

import pytest

from drlim._base.calls import FailedCallError, reason, user_call


@pytest.mark.parametrize(
    "error", [ValueError("bad\nnews."), KeyError("bad"), StopIteration(), RuntimeError("<f at 0x7f3a>")]
)
def test_an_error_names_the_function_and_stays_the_cause(error):
    with (
        pytest.raises(FailedCallError, match=r"^The 'orbit' fails: [^\n]*[^.]\.$") as refusal,
        user_call("The 'orbit'"),
    ):
        raise error
    assert refusal.value.__cause__ is error
    assert isinstance(refusal.value, ValueError)
    assert reason(refusal.value) == reason(error)
    assert "0x7f3a" not in str(refusal.value)


def test_the_innermost_name_counts():
    with pytest.raises(FailedCallError, match=r"^'inner' fails: x\.$"), user_call("'outer'"), user_call("'inner'"):
        raise TypeError("x")


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt, SystemExit])
def test_what_is_no_fault_of_the_function_passes(error):
    with pytest.raises(error), user_call("'orbit'"):
        raise error
