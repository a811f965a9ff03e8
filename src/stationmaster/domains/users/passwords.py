"""Which passwords are taken, and hashing them without holding anybody up.

The rules are NIST SP 800-63B's: length, and not among the passwords that attackers try first; no composition rules.
"""

import asyncio
import string
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import cache
from importlib.resources import files

from anyio import CapacityLimiter
from anyio.lowlevel import RunVar

from stationmaster.domains.users.errors import WeakPassword
from stationmaster.kit import passwords

MIN_LENGTH = 12
MAX_LENGTH = 128
# Each hash takes a core and 19 MiB for 20 ms: more at a time would starve the event loop's process.
HASHES_AT_ONCE = 4
MIN_CONTEXT_WORD = 4

_RUNS = tuple(
    row * MAX_LENGTH
    for row in (string.digits, string.ascii_lowercase, "qwertyuiop", "asdfghjkl", "qwertyuiopasdfghjklzxcvbnm")
)
_LEET = str.maketrans("013457@$!", "oieastasi")
_limiter: RunVar[CapacityLimiter] = RunVar("stationmaster.passwords")


@asynccontextmanager
async def hashing_turn() -> AsyncIterator[None]:
    """Wait for one of the few turns to hash."""
    try:
        limiter = _limiter.get()
    except LookupError:
        limiter = CapacityLimiter(HASHES_AT_ONCE)
        _limiter.set(limiter)
    async with limiter:
        yield


async def hash_new(
    password: str, *, context: Iterable[str | None] = (), min_length: int = MIN_LENGTH, pointer: str = "/password"
) -> str:
    """Check a chosen password and hash it in a thread. Call it before the transaction begins.

    Raises:
        WeakPassword: it is refused; `pointer` says which field that was.
    """
    check_strength(password, context=context, min_length=min_length, pointer=pointer)
    async with hashing_turn():
        return await asyncio.to_thread(passwords.hash_password, password)


def check_strength(
    password: str, *, context: Iterable[str | None] = (), min_length: int = MIN_LENGTH, pointer: str = "/password"
) -> None:
    """Refuse passwords that are short, very long, common, or made of words about their owner (`context`).

    Raises:
        WeakPassword: see above.
    """
    normal = passwords.normalise(password)
    if len(normal) < min_length:
        raise WeakPassword(f"Use at least {min_length} characters.", pointer=pointer)
    if len(normal) > MAX_LENGTH:
        raise WeakPassword(f"Use at most {MAX_LENGTH} characters.", pointer=pointer)
    if _is_pattern(normal):
        raise WeakPassword("This is a run or a repetition, and easily guessed.", pointer=pointer)
    if _forms(normal) & (common_passwords() | _words(context)):
        raise WeakPassword(
            "This password, or the word it is built on, is among the first to be guessed.", pointer=pointer
        )


@cache
def common_passwords() -> frozenset[str]:
    """Return the bundled list of common passwords, in lower case."""
    text = files("stationmaster.domains.users").joinpath("common_passwords.txt").read_text("utf-8")
    return frozenset(line.casefold() for line in text.splitlines() if not line.startswith("#"))


def _forms(password: str) -> set[str]:
    """Return the password and the words behind its usual disguises: `P@ssw0rd2026!` is `password`."""
    folded = password.casefold()
    around = string.digits + string.punctuation + string.whitespace
    return {folded, folded.strip(around), folded.translate(_LEET), folded.strip(around).translate(_LEET)}


def _words(context: Iterable[str | None]) -> set[str]:
    parts = {part for text in context if text for part in (text, *text.replace("@", " ").replace(".", " ").split())}
    return {part.casefold() for part in parts | {"stationmaster"} if len(part) >= MIN_CONTEXT_WORD}


def _is_pattern(password: str) -> bool:
    """Say whether it is a run (`abcdef...`, `9876...`, a keyboard row) or one piece over and over."""
    folded = password.casefold()
    is_run = any(folded in run or folded[::-1] in run for run in _RUNS)
    return is_run or folded in (folded + folded)[1:-1]
