"""Password hashes: argon2id, with the parameters that OWASP's Password Storage Cheat Sheet gives (19 MiB, 2 passes).

A call takes about 20 ms of one core: callers run it in a thread, a few at a time.
"""

import unicodedata

from passlib.context import CryptContext

# Nobody's password. Checking against it costs what checking a real one costs, so that time does not tell who has an
# account.
DUMMY_HASH = "$argon2id$v=19$m=19456,t=2,p=1$41zrXQthDKGUEgKAEIJQCg$BoKY9rGPV2Rq0/btO32RGvt2i2A5RAeJP9nwbhsWeEs"

_context = CryptContext(
    schemes=["argon2"],
    argon2__type="ID",
    argon2__memory_cost=19_456,
    argon2__time_cost=2,
    argon2__parallelism=1,
)


def normalise(password: str) -> str:
    """Return the NFC form: the same password, whichever keyboard composed its accents."""
    return unicodedata.normalize("NFC", password)


def hash_password(password: str) -> str:
    """Hash for storing; the salt is new each time."""
    return str(_context.hash(normalise(password)))


def verify_password(password: str, stored: str) -> tuple[bool, str | None]:
    """Say whether the password is right, and give a new hash where the stored one was made with older parameters."""
    is_right, replacement = _context.verify_and_update(normalise(password), stored)
    return bool(is_right), replacement


def needs_rehash(stored: str) -> bool:
    """Say whether a hash was made with other parameters than today's."""
    return bool(_context.needs_update(stored))
