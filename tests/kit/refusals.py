"""For tests that throw anything at all at a parser."""

from collections.abc import Callable
from typing import TypeVar

from stationmaster.kit.scanner import Unreadable

T = TypeVar("T")


def attempt(parse: Callable[[str], T], text: str) -> T | Unreadable:
    """Return what the parser makes of a text, or its refusal; any other error passes through."""
    try:
        return parse(text)
    except Unreadable as refused:
        refusal = refused
    assert 0 <= refusal.position <= len(text)
    return refusal
