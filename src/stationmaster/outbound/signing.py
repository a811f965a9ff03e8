"""Signatures by which a receiver knows that a call is ours: Standard Webhooks 1.0, symmetric."""

import base64
import binascii
from datetime import datetime

from standardwebhooks.webhooks import Webhook

PREFIX = "whsec_"
SHORTEST_KEY_BYTES = 24
LONGEST_KEY_BYTES = 64


def check_secret(secret: str) -> None:
    """Refuse what is not one signing secret, or several separated by spaces (all sign, while receivers change over).

    Raises:
        ValueError: one is not `whsec_` and the base64 of 24 to 64 bytes. The text does not repeat the secret.
    """
    parts = secret.split()
    if not parts:
        raise ValueError("a signing secret is empty")
    for part in parts:
        if not part.startswith(PREFIX):
            raise ValueError(f"a signing secret begins with {PREFIX}")
        _check_key(part.removeprefix(PREFIX))


def _check_key(encoded: str) -> None:
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError(f"what follows {PREFIX} in a signing secret is base64") from error
    if not SHORTEST_KEY_BYTES <= len(key) <= LONGEST_KEY_BYTES:
        raise ValueError(f"a signing secret holds {SHORTEST_KEY_BYTES} to {LONGEST_KEY_BYTES} random bytes")


def sign(secret: str, *, message_id: str, at: datetime, body: bytes) -> str:
    """Return the value of `webhook-signature`: one signature for each secret in `secret`.

    The receiver needs `message_id` as `webhook-id` and `at`, in whole seconds since 1970, as `webhook-timestamp`.
    `body` is UTF-8.
    """
    text = body.decode()
    return " ".join(Webhook(part).sign(msg_id=message_id, timestamp=at, data=text) for part in secret.split())
