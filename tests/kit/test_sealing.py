"""Secrets at rest."""

import pytest

from stationmaster.kit.sealing import CannotOpen, Sealer

SEALER = Sealer(b"k" * 32)


@pytest.mark.parametrize("text", ["", "secret", "grüße 🚉", "x" * 10_000])
def test_opens_what_it_sealed(text: str) -> None:
    assert text == SEALER.open(SEALER.seal(text, row="jobs/1"), row="jobs/1")


def test_shows_nothing_and_never_the_same_twice() -> None:
    first, second = (SEALER.seal("secret", row="r") for _ in range(2))

    assert first != second
    assert "secret" not in first
    assert first.startswith(f"v1.{SEALER.key_id}.")


def test_does_not_open_in_another_row() -> None:
    with pytest.raises(CannotOpen):
        SEALER.open(SEALER.seal("secret", row="jobs/1"), row="jobs/2")


def test_does_not_open_with_another_key_and_names_both() -> None:
    other = Sealer(b"o" * 32)

    with pytest.raises(CannotOpen, match=SEALER.key_id):
        other.open(SEALER.seal("secret", row="r"), row="r")


@pytest.mark.parametrize("place", [20, -1])
def test_notices_a_changed_character(place: int) -> None:
    sealed = list(SEALER.seal("secret", row="r"))
    sealed[place] = "A" if sealed[place] != "A" else "Q"

    with pytest.raises(CannotOpen):
        SEALER.open("".join(sealed), row="r")


@pytest.mark.parametrize("text", ["", "v1", "v1.a.b.c", "v2.x.y.z", "plain text", "v1.....", "é.é.é.é"])
def test_refuses_what_was_never_sealed(text: str) -> None:
    with pytest.raises(CannotOpen):
        SEALER.open(text, row="r")
