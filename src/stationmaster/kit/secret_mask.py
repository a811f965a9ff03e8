"""Hides known secret values in texts, also where they appear encoded.

A program that is given a secret may print it as it is, in JSON, in an address, in hexadecimal, or in base64, alone or as a
part of something longer (`user:password` of basic authentication), where its digits depend on how many bytes stand before.
"""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

from stationmaster.kit.masking import MASK

SHORTEST = 4
"""Shorter texts are in every output by chance; a secret that short is none."""


class SecretMask:
    """Puts a mask in the place of each secret it was told."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: tuple[str, ...] = ()
        self._pattern = re.compile(r"(?!)")
        self.add(*secrets)

    def add(self, *secrets: str) -> None:
        """Hide these from now on; of a secret of several lines, each line by itself too."""
        forms = {form for secret in secrets for part in _parts(secret) for form in _forms(part)} | set(self._forms)
        # The longest first, so that no rest of it stays beside the mask of a shorter one.
        self._forms = tuple(sorted(forms, key=len, reverse=True))
        if forms:
            self._pattern = re.compile("|".join(map(re.escape, self._forms)))

    @property
    def longest(self) -> int:
        """How many characters the longest hidden text has."""
        return len(self._forms[0]) if self._forms else 0

    def is_in(self, text: str) -> bool:
        """Say whether there is anything to hide; far quicker than hiding."""
        return any(form in text for form in self._forms)

    def hide(self, text: str) -> str:
        return self._pattern.sub(MASK, text) if self.is_in(text) else text

    def hide_all(self, value: Any) -> Any:
        """Hide in a text, or in every text of a JSON value."""
        if isinstance(value, str):
            return self.hide(value)
        if isinstance(value, dict):
            return {self.hide(key): self.hide_all(item) for key, item in value.items()}
        return [self.hide_all(item) for item in value] if isinstance(value, list) else value


def _parts(secret: str) -> set[str]:
    return {part for part in (secret, *map(str.strip, secret.splitlines())) if len(part) >= SHORTEST}


def _forms(text: str) -> Iterator[str]:
    raw = text.encode("utf-8", "surrogatepass")
    yield text
    yield from (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
    for quoted in (quote(raw, safe=""), quote(raw), quote_plus(raw)):
        yield from (quoted, _LOWER_HEX.sub(lambda found: found.group().lower(), quoted))
    yield from (raw.hex(), raw.hex().upper())
    for shift in range(3):
        digits = _base64_digits(raw, shift)
        if len(digits) > SHORTEST:
            yield from (digits, digits.translate(_URL_SAFE))


_LOWER_HEX = re.compile("%[0-9A-F]{2}")
_URL_SAFE = str.maketrans("+/", "-_")


def _base64_digits(raw: bytes, shift: int) -> str:
    """Return the digits that depend on `raw` alone when `shift` bytes (modulo 3) stand before it."""
    digits = base64.b64encode(bytes(shift) + raw).decode()
    return digits[-(-8 * shift // 6) : 8 * (shift + len(raw)) // 6]
