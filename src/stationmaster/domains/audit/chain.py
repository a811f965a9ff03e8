"""The arithmetic of the chain: from stored bytes to digests.

A row is written as its columns in order, each with its length before it, so that no two rows are written alike. The key is
derived from the service's secret and is nowhere in the database: who can write there can break the chain, not mend it.
"""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from stationmaster.db.recordset import SQLITE_INSTANT
from stationmaster.domains.audit.models import DIGEST_LENGTH, AuditCheckpoint, AuditSeal
from stationmaster.kit.keys import derive_key

PURPOSE = "audit seal"
NO_SEAL = "0" * DIGEST_LENGTH
"""What the first seal has as the one before it."""

Parts = Sequence[bytes | None]


@dataclass(frozen=True)
class SealKey:
    """Signs entries and seals."""

    key: bytes = field(repr=False)

    @classmethod
    def of(cls, secret: str) -> "SealKey":
        """Derive the key from the service's secret key."""
        return cls(derive_key(secret, PURPOSE))

    @property
    def id(self) -> str:
        return hashlib.sha256(b"stationmaster key id" + self.key).hexdigest()[:8]

    def sign_entry(self, sequence: int, columns: Parts) -> str:
        """Sign an entry at its place."""
        return self._sign(b"entry", [str(sequence).encode(), *columns])

    def sign_seal(self, columns: Parts) -> str:
        """Sign a seal."""
        return self._sign(b"seal", columns)

    def sign_checkpoint(self, columns: Parts) -> str:
        """Sign where the chain begins."""
        return self._sign(b"checkpoint", columns)

    def _sign(self, kind: bytes, parts: Parts) -> str:
        return hmac.digest(self.key, frame([kind, *parts]), "sha256").hex()


def frame(parts: Parts) -> bytes:
    """Join parts so that the result tells where each ends, and an absent one from an empty one."""
    return b"".join(b"-" if part is None else b"%d:%b" % (len(part), part) for part in parts)


def root_of(digests: Iterable[str]) -> str:
    """Sum up the digests of a batch's entries, in order."""
    total = hashlib.sha256()
    for digest in digests:
        total.update(digest.encode())
    return total.hexdigest()


def columns_of(seal: AuditSeal) -> Parts:
    """Write a seal that is about to be stored as `stored_bytes` will read it."""
    facts = (seal.number, seal.first_sequence, seal.last_sequence, seal.root, seal.previous, seal.key_id)
    return _write([*facts, seal.sealed_at])


def columns_of_checkpoint(point: AuditCheckpoint) -> Parts:
    """Write a checkpoint that is about to be stored as `stored_bytes` will read it."""
    return _write([point.number, point.last_sequence, point.seal_digest, point.key_id, point.made_at])


def _write(facts: Iterable[object]) -> Parts:
    texts = (fact.strftime(SQLITE_INSTANT) if isinstance(fact, datetime) else str(fact) for fact in facts)
    return [text.encode() for text in texts]
