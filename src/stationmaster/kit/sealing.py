"""Secrets at rest: AES-256-GCM, bound to the row they belong to.

A sealed text is `v1.<key id>.<nonce>.<ciphertext>` (base64url). The key id says which key opens it, so that keys can change;
the associated data binds it to its row: copied to another row it does not open.
"""

import base64
import hashlib
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION = "v1"
NONCE_BYTES = 12


class CannotOpen(ValueError):
    """The text was sealed with another key, for another row, or was tampered with."""


@dataclass(frozen=True)
class Sealer:
    """Seals and opens texts with one 32-byte key."""

    key: bytes

    @property
    def key_id(self) -> str:
        return hashlib.sha256(b"stationmaster key id" + self.key).hexdigest()[:8]

    def seal(self, text: str, *, row: str) -> str:
        """Encrypt `text` so that only this key opens it, and only for `row`."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = AESGCM(self.key).encrypt(nonce, text.encode(), row.encode())
        return ".".join((VERSION, self.key_id, _encode(nonce), _encode(sealed)))

    def open(self, sealed: str, *, row: str) -> str:
        """Decrypt what `seal` made.

        Raises:
            CannotOpen: see there.
        """
        version, _, rest = sealed.partition(".")
        key_id, _, rest = rest.partition(".")
        nonce, _, ciphertext = rest.partition(".")
        if version != VERSION or key_id != self.key_id:
            raise CannotOpen(f"sealed with the key {key_id[:8]!r}, and ours is {self.key_id!r}")
        try:
            return AESGCM(self.key).decrypt(_decode(nonce), _decode(ciphertext), row.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise CannotOpen("the sealed text does not belong here or was changed") from error


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
