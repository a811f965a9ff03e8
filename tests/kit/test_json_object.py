"""Objects from elsewhere, read or not."""

import pytest

from stationmaster.kit.json_object import read_object


def test_an_object_is_read() -> None:
    assert read_object('{"a": [1]}') == {"a": [1]}


@pytest.mark.parametrize("text", ["", "<html>", "[1]", "null", '"text"', "[" * 100_000])
def test_what_is_none_says_nothing(text: str) -> None:
    assert read_object(text) == {}
