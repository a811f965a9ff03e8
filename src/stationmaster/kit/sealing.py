"""Secrets at rest: AES-256-GCM, bound to the row they belong to.

A sealed text is `v1.<key id>.<nonce>.<ciphertext>` (base64url). The key id says which key opens it, so that keys can change;
the associated data binds it to its row: copied to another row it does not open.
"""

import base64
import hashlib
import os
import re
from dataclasses import dataclass, field
from functools import cached_property

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from stationmaster.kit.keys import derive_key

VERSION = "v1"
NONCE_BYTES = 12

# A key id of eight hex digits, a nonce of 12 bytes, and at least the tag's 16 bytes.
_SEALED = re.compile(r"v1\.[0-9a-f]{8}\.[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]{22,}\Z")


class CannotOpen(ValueError):
    """The text was sealed with another key, for another row, or was tampered with."""


@dataclass(frozen=True)
class Sealer:
    """Seals texts with one 32-byte key, and opens what this or one of the `former` keys sealed."""

    key: bytes = field(repr=False)
    former: tuple[bytes, ...] = field(default=(), repr=False)

    @cached_property
    def key_id(self) -> str:
        return _id_of(self.key)

    @cached_property
    def _keys(self) -> dict[str, bytes]:
        return {_id_of(key): key for key in (*self.former, self.key)}

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
        key = self._keys.get(key_id)
        if version != VERSION or key is None:
            raise CannotOpen(f"sealed with the key {key_id[:8]!r}, and ours is {self.key_id!r}")
        try:
            return AESGCM(key).decrypt(_decode(nonce), _decode(ciphertext), row.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise CannotOpen("the sealed text does not belong here or was changed") from error

    def is_current(self, sealed: str) -> bool:
        """Say whether a sealed text was sealed with the present key."""
        return sealed.startswith(f"{VERSION}.{self.key_id}.")


@dataclass(frozen=True)
class Keyring:
    """The secrets from which sealing keys are derived: the first seals, every one opens."""

    secrets: tuple[str, ...] = field(repr=False)

    def sealer(self, purpose: str) -> Sealer:
        """Return the sealer of one purpose; what one purpose sealed, another does not open."""
        present, *former = (derive_key(secret, purpose) for secret in self.secrets)
        return Sealer(present, tuple(former))


def is_sealed(text: str) -> bool:
    """Say whether a text has the form that `Sealer.seal` gives."""
    return _SEALED.match(text) is not None


def _id_of(key: bytes) -> str:
    return hashlib.sha256(b"stationmaster key id" + key).hexdigest()[:8]


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
