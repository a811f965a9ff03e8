import re

import pytest

from stationmaster.kit import tokens


def test_makes_a_prefix_random_characters_and_a_checksum() -> None:
    token = tokens.new_token("smr_")

    assert re.fullmatch(r"smr_[0-9A-Za-z]{49}", token)


def test_makes_a_different_token_each_time() -> None:
    assert len({tokens.new_token("x_") for _ in range(100)}) == 100


def test_recognises_its_own() -> None:
    assert tokens.is_well_formed(tokens.new_token("smr_"), "smr_")
    assert tokens.is_well_formed(tokens.new_token("x_", length=8), "x_", length=8)


@pytest.mark.parametrize("position", [0, 4, 20, 46, 47, 52])
def test_notices_one_wrong_character(position: int) -> None:
    token = tokens.new_token("smr_")
    other = "a" if token[position] != "a" else "b"

    assert not tokens.is_well_formed(token[:position] + other + token[position + 1 :], "smr_")


@pytest.mark.parametrize(
    "text", ["", "smr_", "x" * 53, "smr_" + "ä" * 49, "smr_" + "0" * 49 + "0", "smr_\ud800" + "0" * 48]
)
def test_refuses_what_is_no_token(text: str) -> None:
    assert not tokens.is_well_formed(text, "smr_")


def test_stores_a_digest_that_does_not_contain_the_token() -> None:
    token = tokens.new_token("smr_")

    assert re.fullmatch(r"[0-9a-f]{64}", tokens.digest(token))
    assert tokens.digest(token) == tokens.digest(token)
    assert tokens.digest(token) != tokens.digest(tokens.new_token("smr_"))


def test_compares_secrets() -> None:
    assert tokens.is_same("ünï", "ünï")
    assert not tokens.is_same("a", "b")
