"""Which passwords are taken."""

import asyncio

import pytest

from stationmaster.domains.users import passwords
from stationmaster.domains.users.errors import WeakPassword
from stationmaster.kit.passwords import verify_password

CONTEXT = ["ada@enchantress.example", "countess", "Ada Lovelace"]


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "twelve chars",
        "   spaces at both ends   ",
        "🚂🚃🚃🚃🚃🚃🚃🚃🚃🚃🚃🚋",
        "ünïcödé is fine",
        "x9" * 7 + "k" * 114,
        "Countess of nowhere",
    ],
)
def test_takes(password: str) -> None:
    passwords.check_strength(password, context=CONTEXT)


@pytest.mark.parametrize("password", ["", "elevenchars", "🚂" * 11, "e\u0301" * 11])
def test_refuses_short_ones(password: str) -> None:
    with pytest.raises(WeakPassword, match="1 field") as refusal:
        passwords.check_strength(password)

    assert refusal.value.reason == "Use at least 12 characters."


def test_refuses_what_is_longer_than_anybody_types() -> None:
    with pytest.raises(WeakPassword):
        passwords.check_strength("correct horse battery staple " * 5)


@pytest.mark.parametrize(
    "password",
    [
        "1qaz2wsx3edc4rfv",
        "Password1234!",
        "P@ssw0rd2026",
        "!!!football!!!",
        "passwordpassword",
        "aaaaaaaaaaaa",
        "abcdefghijklm",
        "ZYXWVUTSRQPON",
        "123456789012",
        "098765432109",
        "qwertyuiopasdfgh",
        "abcabcabcabc",
        "stationmaster2026",
        "Enchantress-2026",
        "countess1815!",
        "ada@enchantress.example",
        "Ada Lovelace",
        "lovelace2026!!",
    ],
)
def test_refuses_what_is_guessed_first(password: str) -> None:
    with pytest.raises(WeakPassword):
        passwords.check_strength(password, context=CONTEXT)


def test_knows_thousands_of_common_passwords() -> None:
    common = passwords.common_passwords()

    assert len(common) >= 10_000
    assert {"password", "qwerty", "123456789"} <= common


def test_says_which_field_is_weak() -> None:
    with pytest.raises(WeakPassword) as refusal:
        passwords.check_strength("short", pointer="/new_password")

    assert [error.pointer for error in refusal.value.errors] == ["/new_password"]


async def test_hashes_in_turns_of_four_without_holding_up_the_loop() -> None:
    at_once = [0, 0]

    async def turn() -> None:
        async with passwords.hashing_turn():
            at_once[0] += 1
            at_once[1] = max(at_once)
            await asyncio.sleep(0)
            at_once[0] -= 1

    await asyncio.gather(*(turn() for _ in range(20)))

    assert at_once == [0, passwords.HASHES_AT_ONCE]


async def test_hash_can_be_verified() -> None:
    stored = await passwords.hash_new("correct horse battery staple")

    assert verify_password("correct horse battery staple", stored) == (True, None)
