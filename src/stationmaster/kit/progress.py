"""Reading how far a piece of work is from the text that it prints."""

import math
import re

_NUMBER = re.compile(r"\s*(\d{1,15}(?:\.\d{1,15})?)\s*(?:/\s*(\d{1,15}(?:\.\d{1,15})?)\s*|%\s*)?\Z", re.ASCII)


def read_percent(text: str) -> float | None:
    """Read `42.5`, `42.5 %` or `3/20`; None when it says no percentage between 0 and 100."""
    found = _NUMBER.match(text)
    return to_percent(found[1], found[2]) if found else None


def to_percent(number: str | None, of: str | None = None) -> float | None:
    """Return a number, or so many of so many, as a percentage between 0 and 100; None when it is none."""
    try:
        percent = float(number or "") * (1 if of is None else 100 / float(of))
    except (ValueError, ZeroDivisionError):
        return None
    return round(percent, 3) if math.isfinite(percent) and 0 <= percent <= 100 else None
