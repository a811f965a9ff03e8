"""Secrets at rest."""

import pytest

from stationmaster.kit.sealing import CannotOpen, Keyring, Sealer, is_sealed

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


def test_former_keys_open_and_do_not_seal() -> None:
    before = SEALER.seal("secret", row="r")
    after = Sealer(b"n" * 32, former=(SEALER.key,))

    assert after.open(before, row="r") == "secret"
    assert (after.is_current(before), after.is_current(after.seal("secret", row="r"))) == (False, True)


def test_purposes_do_not_open_each_others_texts() -> None:
    ring = Keyring(("first", "second"))

    with pytest.raises(CannotOpen):
        ring.sealer("a").open(ring.sealer("b").seal("secret", row="r"), row="r")


def test_keys_are_not_shown() -> None:
    assert "first" not in repr(Keyring(("first",)))
    assert "kkk" not in repr(SEALER)


@pytest.mark.parametrize(
    "text", ["", "v1", "v1.a.b.c", "secret", "v1.zzzzzzzz.AAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAA"]
)
def test_tells_sealed_texts_from_others(text: str) -> None:
    assert is_sealed(SEALER.seal("", row="r"))
    assert not is_sealed(text)
