"""How long to wait before trying again."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_RETRY_AFTER_SECONDS = 3600.0


@dataclass(frozen=True)
class Backoff:
    """Either a list of waits (the last one repeats) or waits that grow from `initial_seconds` up to `max_seconds`.

    With `jitter`, a growing wait is random between 0 and its full length: many callers that failed together come back
    apart (AWS Architecture Blog, "Exponential Backoff And Jitter").
    """

    delays_seconds: tuple[float, ...] = ()
    initial_seconds: float = 2
    multiplier: float = 2
    max_seconds: float = 900
    jitter: bool = True

    def delay_after(self, failures: int, *, retry_after_seconds: float | None = None) -> float:
        """Return the wait after this many failures (1 or more), at least what the receiver asked for (capped)."""
        asked = min(retry_after_seconds or 0, LONGEST_RETRY_AFTER_SECONDS)
        return max(self._own_delay(failures), asked)

    def _own_delay(self, failures: int) -> float:
        if self.delays_seconds:
            return self.delays_seconds[min(failures, len(self.delays_seconds)) - 1]
        full = self._grown(failures)
        return random.uniform(0, full) if self.jitter else full  # noqa: S311  # spreading load is no secret

    def _grown(self, failures: int) -> float:
        try:
            return min(self.max_seconds, self.initial_seconds * self.multiplier ** (failures - 1))
        except OverflowError:
            return self.max_seconds


def read_retry_after(text: str, now: datetime) -> float | None:
    """Read Retry-After, seconds or a date (RFC 9110, section 10.2.3), between 0 and the longest that is heeded."""
    text = text.strip()
    if text.isascii() and text.isdecimal():
        return float(min(int(text[:10]), LONGEST_RETRY_AFTER_SECONDS))
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    seconds = (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_SECONDS)
