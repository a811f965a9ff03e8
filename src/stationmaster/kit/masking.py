"""What is shown instead of a secret, and how a secret is recognised by its name."""

import re

MASK = "********"

_SECRET = re.compile(
    r"passw|secret|token|authorization|api[_-]?key|private[_-]?key|signing|credential|cookie|_hash\Z", re.IGNORECASE
)


def names_a_secret(name: str) -> bool:
    """Say whether what has this name had better not be shown, whatever it is."""
    return _SECRET.search(name) is not None
