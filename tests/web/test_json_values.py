"""Free-form JSON that both databases can store."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.web.json_values import INT64_MAX, INT64_MIN, MAX_DEPTH, check_json, check_text

storable = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(INT64_MIN, INT64_MAX)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="ascii", min_codepoint=1)), inner),
    max_leaves=10,
)


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@given(storable)
def test_ordinary_json_passes_unchanged(value: Any) -> None:
    assert check_json(value) is value


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (nested(MAX_DEPTH + 1), "deeper than 32"),
        ({"a": {"b": float("nan")}}, "NaN"),
        ([float("-inf")], "Infinity"),
        ([INT64_MAX + 1], "64 bits"),
        ({"a": INT64_MIN - 1}, "64 bits"),
        ({"a\x00": 1}, "NUL"),
        ({"a": "\x00"}, "NUL"),
        (["é\ud800"], "surrogate"),
        ({"\udc00": 1}, "surrogate"),
    ],
)
def test_what_cannot_be_stored_is_refused(value: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check_json(value)


def test_32_levels_are_allowed() -> None:
    assert check_json(nested(MAX_DEPTH))


@given(st.text(st.characters()))
def test_text_passes_exactly_when_it_can_be_stored(text: str) -> None:
    can_be_stored = "\x00" not in text and text.encode("utf-8", "ignore").decode() == text

    try:
        check_text(text)
    except ValueError:
        assert not can_be_stored
    else:
        assert can_be_stored
