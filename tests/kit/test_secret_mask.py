"""Hiding known secrets in texts."""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest

from stationmaster.kit.masking import MASK
from stationmaster.kit.secret_mask import SecretMask

SECRET = 'p/ss "wörd"+1'


@pytest.mark.parametrize(
    "printed",
    [
        SECRET,
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        quote(SECRET, safe=""),
        quote(SECRET),
        quote_plus(SECRET),
        "p%2fss%20%22w%c3%b6rd%22%2b1",
        SECRET.encode().hex(),
        SECRET.encode().hex().upper(),
        base64.b64encode(SECRET.encode()).decode().rstrip("="),
        base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("="),
    ],
)
def test_a_secret_is_hidden_in_every_spelling(printed: str) -> None:
    shown = SecretMask([SECRET]).hide(f"before {printed} after")

    assert shown.startswith("before ")
    assert shown.endswith(" after")
    assert MASK in shown
    assert "rd" not in shown.removeprefix("before ")


@pytest.mark.parametrize("user", ["", "a", "ab", "abc"])
def test_a_secret_inside_longer_base64_is_hidden(user: str) -> None:
    basic = base64.b64encode(f"{user}:correct-horse-battery".encode()).decode()
    shown = SecretMask(["correct-horse-battery"]).hide(basic)

    assert MASK in shown
    assert len(shown.replace(MASK, "")) <= 10


def test_each_line_of_a_key_is_hidden_by_itself() -> None:
    shown = SecretMask(["-----BEGIN KEY-----\nMIIEvQIBADAN\n}\n"]).hide("it is MIIEvQIBADAN }")

    assert f"it is {MASK} }}" == shown


def test_what_is_too_short_is_no_secret() -> None:
    assert "a cat" == SecretMask(["cat"]).hide("a cat")


def test_of_two_secrets_the_longer_goes_first() -> None:
    mask = SecretMask(["token"])
    mask.add("token-and-more")

    assert f"{MASK} {MASK}" == mask.hide("token-and-more token")
    assert mask.longest >= len("token-and-more")


def test_without_secrets_nothing_changes() -> None:
    mask = SecretMask()

    assert ("text", False, 0) == (mask.hide("text"), mask.is_in("text"), mask.longest)
