"""Free-form JSON that both databases can store and give back unchanged."""

import math
from typing import Any

MAX_DEPTH = 32
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1


def check_text(text: str) -> str:
    """Refuse what PostgreSQL cannot store as text (NUL) and UTF-8 cannot express (lone surrogates).

    Raises:
        ValueError: the text has such a character.
    """
    if "\x00" in text:
        raise ValueError("the character NUL (U+0000) is not allowed")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("half of a surrogate pair is not a character")
    return text


def check_json(value: Any, depth: int = 1) -> Any:
    """Refuse JSON that is too deep, or has numbers or characters that would not survive storage.

    Raises:
        ValueError: says what is wrong.
    """
    if isinstance(value, str):
        check_text(value)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError("NaN and Infinity are not JSON")
    elif isinstance(value, int) and not INT64_MIN <= value <= INT64_MAX:
        raise ValueError("an integer does not fit into 64 bits")
    elif isinstance(value, dict | list):
        _check_container(value, depth)
    return value


def _check_container(value: dict[Any, Any] | list[Any], depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, dict):
        for key in value:
            check_text(key)
    for item in value.values() if isinstance(value, dict) else value:
        check_json(item, depth + 1)
