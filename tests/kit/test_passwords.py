import pytest
from passlib.hash import argon2

from stationmaster.kit import passwords

PASSWORD = "correct horse battery staple"


def test_verifies_the_right_password_only() -> None:
    stored = passwords.hash_password(PASSWORD)

    assert passwords.verify_password(PASSWORD, stored) == (True, None)
    assert passwords.verify_password(PASSWORD + "!", stored) == (False, None)


def test_uses_argon2id_with_todays_parameters() -> None:
    assert passwords.hash_password(PASSWORD).startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_salts_each_hash() -> None:
    assert passwords.hash_password(PASSWORD) != passwords.hash_password(PASSWORD)


def test_gives_a_new_hash_where_the_stored_one_is_weaker() -> None:
    weak = argon2.using(type="ID", memory_cost=1024, time_cost=1, parallelism=1).hash(PASSWORD)

    is_right, replacement = passwords.verify_password(PASSWORD, weak)

    assert is_right
    assert replacement is not None
    assert passwords.verify_password(PASSWORD, replacement) == (True, None)


@pytest.mark.parametrize("password", ["é" * 12, "🚂" * 12, "  spaces count  ", "x" * 128])
def test_takes_any_characters(password: str) -> None:
    assert passwords.verify_password(password, passwords.hash_password(password))[0]


def test_does_not_care_how_accents_were_typed() -> None:
    assert passwords.verify_password("e\u0301" * 12, passwords.hash_password("\u00e9" * 12))[0]


def test_looks_at_all_characters() -> None:
    """bcrypt, for one, stops after 72 bytes."""
    stored = passwords.hash_password("x" * 72 + "one")

    assert not passwords.verify_password("x" * 72 + "two", stored)[0]


def test_dummy_costs_what_a_real_hash_costs() -> None:
    assert not passwords.needs_rehash(passwords.DUMMY_HASH)
    assert passwords.verify_password(PASSWORD, passwords.DUMMY_HASH) == (False, None)
