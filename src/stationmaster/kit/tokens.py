"""Opaque tokens: random, recognisable, checked before anybody asks the database, stored only as a digest.

A token is `<prefix><random><checksum>`. The prefix tells people and secret scanners what it is; the checksum
(CRC-32 in base62) refuses typing errors and guesses for free. The random part carries the security: 43 characters
are 256 bits, so a plain SHA-256 is the right digest (a slow one protects only what people choose; NIST SP 800-63B
3.1.2.2).
"""

import hashlib
import hmac
import secrets
import string
import zlib

ALPHABET = string.digits + string.ascii_letters
SECRET_LENGTH = 43
CHECKSUM_LENGTH = 6


def new_token(prefix: str, *, length: int = SECRET_LENGTH) -> str:
    """Make a token with `length` random characters (5.95 bits each)."""
    body = prefix + random_text(length)
    return body + _checksum(body)


def random_text(length: int) -> str:
    """Make `length` random characters of base62."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def is_well_formed(token: str, prefix: str, *, length: int = SECRET_LENGTH) -> bool:
    """Say whether this can be a token that `new_token` made with the same arguments."""
    if len(token) != len(prefix) + length + CHECKSUM_LENGTH or not token.startswith(prefix) or not token.isascii():
        return False
    body, checksum = token[:-CHECKSUM_LENGTH], token[-CHECKSUM_LENGTH:]
    return is_same(_checksum(body), checksum)


def digest(token: str) -> str:
    """Return the 64 hexadecimal characters under which a token is stored."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_same(one: str, other: str) -> bool:
    """Compare two secrets in a time that does not tell where they differ."""
    return hmac.compare_digest(one.encode(), other.encode())


def _checksum(text: str) -> str:
    number = zlib.crc32(text.encode())
    digits = []
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))
