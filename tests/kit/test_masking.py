import pytest

from stationmaster.kit.masking import names_a_secret


@pytest.mark.parametrize(
    "name",
    ["password", "secret_headers", "X-API-Key", "api_key", "Authorization", "signing_secret", "key_hash", "csrfToken"],
)
def test_recognises_names_of_secrets(name: str) -> None:
    assert names_a_secret(name)


@pytest.mark.parametrize("name", ["name", "url", "key_prefix", "hash_function", "status"])
def test_lets_other_names_pass(name: str) -> None:
    assert not names_a_secret(name)
