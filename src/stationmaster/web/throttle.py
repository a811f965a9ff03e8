"""Counting the calls of each caller: slowapi's limiter, led by our settings.

slowapi's decorator stands on one small function for each class of operations, and a dependency of the application calls the
one that a route belongs to (`domains.rate_limits.dependencies`). So no route can be left out, whatever router it comes
from, and all routes of a class share one budget. What was measured and had to be settled here, see ADR 0009:

- slowapi reads `.env` and RATELIMIT_* by itself: `_Limiter` gives it our settings only.
- Its storages block: Redis is asked in threads of its own, few, and has a quarter of a second to answer.
- While Redis is away, each replica counts for itself; no call fails for that.
- It logs who was refused, which may be an address: it logs nothing, we log what happened.
"""

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import anyio.to_thread
from limits import RateLimitItem
from limits.storage import Storage
from slowapi import Limiter
from slowapi.errors import RateLimitExceeded
from starlette.requests import HTTPConnection, Request

from stationmaster.setting_groups import RateLimitSettings
from stationmaster.web.limit_counters import Counter, clear_counters, list_counters
from stationmaster.web.limits import LimitClass

logger = logging.getLogger(__name__)

T = TypeVar("T")

THREADS = 16
REDIS_OPTIONS: Mapping[str, Any] = {
    "key_prefix": "stationmaster",
    "socket_timeout": 0.25,
    "socket_connect_timeout": 0.25,
    "max_connections": THREADS,
}


@dataclass(frozen=True)
class Standing:
    """How a caller stands after a call: whether it was one too many, and what is left; `reset_at` in seconds since 1970."""

    item: RateLimitItem
    remaining: int
    reset_at: float
    is_over: bool

    @property
    def headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.item.amount),
            "X-RateLimit-Remaining": str(max(0, self.remaining)),
            "X-RateLimit-Reset": str(int(self.reset_at) + 1),
        }


class _Limiter(Limiter):
    """slowapi's limiter without its own ways to settings and to the log."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.logger.setLevel(logging.CRITICAL + 1)

    def get_app_config(self, key: str, default_value: Any = None) -> Any:  # noqa: ARG002  # slowapi's signature
        return default_value


class Throttle:
    """The budgets of all callers, in this process or in Redis."""

    def __init__(self, settings: RateLimitSettings) -> None:
        self.is_enabled = settings.enabled
        self.is_shared = not settings.storage_url.startswith("memory:")
        self._limiter = _Limiter(
            key_func=_key_of,
            key_style="endpoint",
            strategy="fixed-window",
            storage_uri=settings.storage_url,
            storage_options=dict(REDIS_OPTIONS) if self.is_shared else {},
            in_memory_fallback_enabled=self.is_shared,
            swallow_errors=True,
        )
        self._own_storage = self._storage
        self._is_away = False
        self._threads = anyio.CapacityLimiter(THREADS)
        self._checks = {each: self._make_check(each, getattr(settings, each.value)) for each in LimitClass}

    def _make_check(self, limit_class: LimitClass, limit: str) -> Callable[..., None]:
        def check(request: Request) -> None:  # noqa: ARG001  # slowapi finds it by this name
            return

        check.__name__ = f"check_{limit_class.value}"  # slowapi keeps the limits of a function under its name
        checked: Callable[..., None] = self._limiter.shared_limit(limit, scope=limit_class.value)(check)
        return checked

    async def count(self, connection: HTTPConnection, limit_class: LimitClass, who: str) -> Standing | None:
        """Count a call and tell how its caller stands; None when nobody can tell, and then the call passes."""
        standing = await self._run(partial(self._count, _as_request(connection), limit_class, who))
        self._note_fallback()
        return standing

    async def list_counters(self) -> list[Counter]:
        """Return all budgets that are drawn on, the most used first.

        Raises:
            Unavailable: the storage does not answer.
        """
        return await self._run(partial(list_counters, self._storage))

    async def reset(self, key: str | None = None) -> int:
        """Forget the counts of one key, or all; return how many there were.

        Raises:
            Unavailable: the storage does not answer.
        """
        return await self._run(partial(clear_counters, self._storage, key))

    def close(self) -> None:
        """Close the connections to Redis."""
        if self.is_shared:
            self._own_storage.storage.close()

    @property
    def _storage(self) -> Any:
        """The storage in use: slowapi's limiter changes over to memory while its own is away."""
        storage: Storage = self._limiter.limiter.storage
        return storage

    def _count(self, request: Request, limit_class: LimitClass, who: str) -> Standing | None:
        request.state.rate_limit_key = who
        request.state.view_rate_limit = None  # slowapi reads it also where a failing storage kept it from writing it
        try:
            self._checks[limit_class](request=request)
        except RateLimitExceeded:
            return self._standing(request, is_over=True)
        return self._standing(request, is_over=False)

    def _standing(self, request: Request, *, is_over: bool) -> Standing | None:
        if request.state.view_rate_limit is None:
            return None
        item, identifiers = request.state.view_rate_limit
        storage = self._storage
        try:
            reset_at, remaining = self._limiter.limiter.get_window_stats(item, *identifiers)
        except storage.base_exceptions:
            return None
        return Standing(item, int(remaining), reset_at, is_over)

    async def _run(self, work: Callable[[], T]) -> T:
        if not self.is_shared:
            return work()
        return await anyio.to_thread.run_sync(work, limiter=self._threads)

    def _note_fallback(self) -> None:
        is_away = self._storage is not self._own_storage
        if is_away != self._is_away:
            self._is_away = is_away
            logger.warning("rate_limits.storage_away" if is_away else "rate_limits.storage_back")


@asynccontextmanager
async def open_throttle(settings: RateLimitSettings) -> AsyncIterator[Throttle]:
    """Give the throttle of this replica."""
    throttle = Throttle(settings)
    try:
        yield throttle
    finally:
        throttle.close()


def _key_of(request: Request) -> str:
    key: str = request.state.rate_limit_key
    return key


def _as_request(connection: HTTPConnection) -> Request:
    """Return what slowapi takes for a request; of a WebSocket, the opening one, with the same state."""
    if isinstance(connection, Request):
        return connection
    return Request({**connection.scope, "type": "http", "method": "GET"})
