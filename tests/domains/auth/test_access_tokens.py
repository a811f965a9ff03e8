"""Access tokens: what is signed by us and for now counts, nothing else."""

import base64
import json
import time
from datetime import timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from stationmaster.domains.auth.access_tokens import ISSUER, TYPE, AccessTokens, Claims
from stationmaster.domains.auth.errors import InvalidAccessToken
from stationmaster.kit import clock
from stationmaster.kit.ids import new_id
from stationmaster.kit.keys import derive_key

SECRET = "a secret key of the tests, long enough"
TOKENS = AccessTokens(SECRET, timedelta(minutes=10))
CLAIMS = Claims(user_id=new_id(), session_id=new_id())
KEY = derive_key(SECRET, "access tokens")


def payload(**changes: object) -> dict[str, Any]:
    now = int(clock.now().timestamp())
    facts = {
        "iss": ISSUER,
        "aud": ISSUER,
        "sub": str(CLAIMS.user_id),
        "sid": str(CLAIMS.session_id),
        "jti": str(new_id()),
        "iat": now,
        "nbf": now,
        "exp": now + 600,
        **changes,
    }
    return {name: value for name, value in facts.items() if value is not None}


def sign(facts: dict[str, Any], *, key: Any = KEY, algorithm: str | None = "HS256", **header: Any) -> str:
    return jwt.encode(facts, key, algorithm=algorithm, headers={"typ": TYPE, **header})


def part(facts: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(facts).encode()).decode().rstrip("=")


def test_reads_its_own() -> None:
    assert TOKENS.read(TOKENS.issue(CLAIMS)) == CLAIMS


def test_the_forger_of_these_tests_knows_the_format() -> None:
    """Otherwise each forgery below would be refused for a wrong reason."""
    assert TOKENS.read(sign(payload())) == CLAIMS


@pytest.mark.parametrize("claim", ["iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp"])
def test_every_claim_must_be_there(claim: str) -> None:
    with pytest.raises(InvalidAccessToken):
        TOKENS.read(sign(payload(**{claim: None})))


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "somebody else"},
        {"aud": "another service"},
        {"aud": [ISSUER, "another service"]},
        {"sub": "ada"},
        {"sid": ""},
        {"sub": 7},
        {"exp": "tomorrow"},
    ],
)
def test_wrong_claims(changes: dict[str, object]) -> None:
    with pytest.raises(InvalidAccessToken):
        TOKENS.read(sign(payload(**changes)))


@pytest.mark.parametrize(("claim", "seconds"), [("exp", -60), ("nbf", 60), ("iat", 60)])
def test_wrong_times(claim: str, seconds: int) -> None:
    with pytest.raises(InvalidAccessToken):
        TOKENS.read(sign(payload(**{claim: int(clock.now().timestamp()) + seconds})))


@pytest.mark.parametrize("header", [{"typ": "JWT"}, {"typ": "rt+jwt"}, {"crit": ["b64"]}])
def test_wrong_headers(header: dict[str, Any]) -> None:
    with pytest.raises(InvalidAccessToken):
        TOKENS.read(sign(payload(), **header))


@pytest.mark.parametrize(
    "header",
    [
        {"kid": "../../dev/null"},
        {"jku": "http://127.0.0.1:1/keys"},
        {"x5u": "http://127.0.0.1:1/keys"},
        {"jwk": {"kty": "oct", "k": part("x")}},
    ],
)
def test_the_key_is_not_the_callers_to_choose(header: dict[str, Any]) -> None:
    assert TOKENS.read(sign(payload(), **header)) == CLAIMS
    with pytest.raises(InvalidAccessToken):
        TOKENS.read(sign(payload(), key=b"another key of thirty-two bytes!", **header))


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_the_algorithm_is_pinned(algorithm: str) -> None:
    with pytest.raises(InvalidAccessToken):
        TOKENS.read(sign(payload(), key=KEY * 2, algorithm=algorithm))


def test_no_algorithm_is_none_of_ours() -> None:
    with pytest.raises(InvalidAccessToken):
        TOKENS.read(sign(payload(), key=None, algorithm="none"))


def test_another_kind_of_key_is_none_of_ours() -> None:
    private = generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )

    with pytest.raises(InvalidAccessToken):
        TOKENS.read(sign(payload(), key=private, algorithm="RS256"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "a.b.c",
        "x" * 1_000_000,
        part({"alg": "HS256"}) + "." + part([1]) + ".x",
        part([1]) + "." + part({}) + ".x",
        "ä.ö.ü",
        "\ud800.a.b",
        "[" * 2000,
    ],
)
def test_rubbish_is_refused_quickly(text: str) -> None:
    began = time.perf_counter()
    with pytest.raises(InvalidAccessToken):
        TOKENS.read(text)

    assert time.perf_counter() - began < 0.05


def test_one_changed_character_is_noticed() -> None:
    token = TOKENS.issue(CLAIMS)
    header, body, signature = token.split(".")
    other = part({**payload(), "sub": str(UUID(int=0))})

    for forged in (f"{header}.{other}.{signature}", f"{header}.{body}.{signature[:-2]}AA", f"{header}.{body}."):
        with pytest.raises(InvalidAccessToken):
            TOKENS.read(forged)


def test_another_services_token_does_not_count() -> None:
    other = AccessTokens(SECRET + "!", timedelta(minutes=10))

    with pytest.raises(InvalidAccessToken):
        TOKENS.read(other.issue(CLAIMS))


def test_a_log_out_may_come_late() -> None:
    late = sign(payload(exp=int(clock.now().timestamp()) - 86_400))

    assert TOKENS.read(late, allow_expired=True) == CLAIMS
    with pytest.raises(InvalidAccessToken):
        TOKENS.read(late)
