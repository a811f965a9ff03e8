"""How a key is written."""

import re

import pytest

from stationmaster.domains.api_keys.key_format import new_key, parse_key
from stationmaster.kit import tokens


def test_has_an_id_a_secret_and_a_checksum() -> None:
    key = new_key()

    assert re.fullmatch(r"sm_[0-9A-Za-z]{8}_[0-9A-Za-z]{46}", key.text)
    assert key.text[3:11] == key.public_id
    assert key.digest == tokens.digest(key.text)


def test_reads_what_it_wrote() -> None:
    key = new_key()

    assert parse_key(key.text) == key


@pytest.mark.parametrize("position", [0, 2, 3, 10, 11, 12, 51, 57])
def test_notices_a_wrong_character(position: int) -> None:
    text = new_key().text
    other = "z" if text[position] != "z" else "y"

    assert parse_key(text[:position] + other + text[position + 1 :]) is None


@pytest.mark.parametrize(
    "text",
    ["", "sm_", "sm_abcdefgh_", "x" * 58, "sm_" + "ä" * 55, "sm_abcd-fgh_" + "0" * 46, "smr_" + "0" * 54, "\x00" * 58],
)
def test_refuses_what_is_no_key(text: str) -> None:
    assert parse_key(text) is None
