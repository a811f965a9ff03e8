"""Keys of Google service accounts."""

import base64

import pytest

from stationmaster.kit.service_account import read_key
from tests.support.earthengine import EMAIL, PROJECT, key_file


@pytest.mark.parametrize("is_encoded", [False, True])
def test_a_key_file_is_read_also_in_base64(is_encoded: bool) -> None:
    text = key_file()
    key = read_key(base64.b64encode(text.encode()).decode() if is_encoded else f"\n{text}\n")

    assert (EMAIL, PROJECT, "key-1") == (key.email, key.project, key.key_id)
    assert "RSAPrivateKey" not in repr(key)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not a key",
        "[]",
        "{",
        "eyJ",
        key_file(private_key="-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
        key_file(private_key=None),
        key_file(client_email=None),
        key_file(token_uri=None),
        key_file(token_uri=7),
    ],
)
def test_what_is_no_key_is_refused_without_its_content(text: str) -> None:
    with pytest.raises(ValueError, match="key") as refused:
        read_key(text)

    assert "AAAA" not in str(refused.value)
