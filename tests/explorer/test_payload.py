from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from drlim.explorer.payload import pack, unpack

ARRAYS = st.sampled_from(["f4", "f8", "i4", "u1", "u2", "u4"]).flatmap(
    lambda kind: hnp.arrays(kind, hnp.array_shapes(max_dims=3, min_side=0, max_side=5))
)


@settings(max_examples=40)
@given(st.dictionaries(st.text(max_size=4), ARRAYS, max_size=4), st.dictionaries(st.text(), st.text()))
def test_contents_come_back_as_they_were(arrays, meta):
    found_meta, found = unpack(pack(meta, arrays))
    assert found_meta == meta
    assert set(found) == set(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


def test_no_text_of_the_data_is_seen_in_the_page():
    text = pack({"title": "</script><!--<script>"}, {})
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")


def test_arrays_that_a_browser_does_not_have_are_refused():
    with pytest.raises(ValueError, match="A browser has no arrays of int64, as 'x' is"):
        pack({}, {"x": np.zeros(2, dtype=np.int64)})


def test_numbers_that_json_does_not_have_are_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        pack({"x": float("nan")}, {})


def test_the_same_contents_make_the_same_bytes():
    arrays = {"x": np.arange(5, dtype=np.float32)}
    assert pack({"b": 1, "a": 2}, arrays) == pack({"a": 2, "b": 1}, arrays)


def test_half_a_letter_becomes_a_question_mark():
    assert unpack(pack({"x": "\ud800"}, {}))[0] == {"x": "?"}
