"""What the storages of `limits` hold, read back: which budgets are drawn on, and how far."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage

from stationmaster.errors import Unavailable
from stationmaster.kit import clock

# How `RateLimitItem.key_for` writes what slowapi asks for: LIMITER/<who>/<class>/<amount>/<multiples>/<granularity>.
NAMESPACE = "LIMITER/"
SCAN_BATCH = 1000


@dataclass(frozen=True)
class Counter:
    """A budget that is drawn on: the class of operations, who draws on it (`user:<id>`, `ip:<address>`), how far."""

    limit_class: str
    who: str
    item: RateLimitItem
    count: int

    @property
    def key(self) -> str:
        return f"{self.limit_class}:{self.who}"


def list_counters(storage: Any) -> list[Counter]:
    """Return all counters, those nearest to their limit first.

    Raises:
        Unavailable: the storage does not answer.
    """
    with _answering(storage):
        counters = [_read(key, count) for key, count in _counts(storage)]
    return sorted(counters, key=lambda counter: counter.count / counter.item.amount, reverse=True)


def clear_counters(storage: Any, key: str | None) -> int:
    """Forget the counters of one `Counter.key`, or all; return how many there were.

    Raises:
        Unavailable: the storage does not answer.
    """
    with _answering(storage):
        chosen = [each for each, count in _counts(storage) if key in {None, _read(each, count).key}]
        for each in chosen:
            storage.clear(each)
    return len(chosen)


@contextmanager
def _answering(storage: Any) -> Iterator[None]:
    try:
        yield
    except storage.base_exceptions as error:
        raise Unavailable("The storage of the rate limits does not answer.") from error


def _counts(storage: Any) -> Iterator[tuple[str, int]]:
    """Walk the live keys with their counts, as the two storages that may be set know them."""
    if isinstance(storage, MemoryStorage):
        now = clock.now().timestamp()
        live = [key for key, expires_at in list(storage.expirations.items()) if expires_at > now]
        yield from ((key, storage.get(key)) for key in live)
        return
    prefix = storage.prefixed_key("")
    for key in storage.storage.scan_iter(match=f"{prefix}{NAMESPACE}*", count=SCAN_BATCH):
        name = key.decode().removeprefix(prefix)
        yield name, storage.get(name)


def _read(key: str, count: int) -> Counter:
    who, limit_class, amount, multiples, granularity = key.removeprefix(NAMESPACE).rsplit("/", 4)
    return Counter(limit_class, who, parse(f"{amount}/{multiples}{granularity}"), count)
