"""Keys made from one secret: each purpose has its own, so that what one leaks opens nothing of another."""

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32


def derive_key(secret: str, purpose: str) -> bytes:
    """Derive the 32-byte key of a purpose (HKDF-SHA256, RFC 5869), the same in every replica that has the secret."""
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"stationmaster {purpose}".encode()).derive(secret.encode())
