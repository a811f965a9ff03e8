"""The key of a Google service account, as the file that Google makes for it holds it."""

import base64
import binascii
import json
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key


@dataclass(frozen=True, slots=True)
class ServiceAccountKey:
    """Who signs, with which key, and where the signature is exchanged for a token."""

    email: str
    project: str
    token_uri: str
    key_id: str | None
    private_key: RSAPrivateKey = field(repr=False)


def read_key(text: str) -> ServiceAccountKey:
    """Read a key file, as it is or in base64 (as `EE_SERVICE_ACCOUNT_JSON` holds it).

    Raises:
        ValueError: it is none; the text tells nothing of its content.
    """
    document = _read_document(text.strip())
    wanted = ("client_email", "token_uri", "private_key")
    if missing := [name for name in wanted if not isinstance(document.get(name), str)]:
        raise ValueError(f"the key of a service account has {', '.join(missing)}")
    return ServiceAccountKey(
        email=document["client_email"],
        project=str(document.get("project_id") or ""),
        token_uri=document["token_uri"],
        key_id=str(document["private_key_id"]) if document.get("private_key_id") else None,
        private_key=_read_private_key(document["private_key"]),
    )


def _read_document(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text if text.startswith("{") else base64.b64decode(text, validate=True))
    except (ValueError, binascii.Error, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise ValueError("give the key file of a Google service account, as JSON or in base64")  # noqa: TRY004  # the value is wrong
    return document


def _read_private_key(text: str) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("private_key is no RSA key in PEM")  # noqa: TRY004  # the value is wrong
    return key
