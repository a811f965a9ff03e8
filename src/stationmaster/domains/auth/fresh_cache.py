"""Answers that are remembered for a few seconds, and forgotten at once when told."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

MAX_ENTRIES = 10_000


class FreshCache(Generic[K, V]):
    """Remembers what a question was answered with, for `max_age_seconds`, until `changed` is set.

    An answer whose question was asked before a change and arrives after it is passed on and not remembered.
    """

    def __init__(self, changed: asyncio.Event, max_age_seconds: float) -> None:
        self._changed = changed
        self._max_age_seconds = max_age_seconds
        self._entries: dict[K, tuple[float, V]] = {}
        self._generation = 0

    async def get(self, key: K, ask: Callable[[], Awaitable[V]]) -> V:
        """Return the remembered answer, or ask for it."""
        self._forget_if_changed()
        entry = self._entries.get(key)
        if entry is not None and entry[0] > time.monotonic():
            return entry[1]
        generation, asked_at = self._generation, time.monotonic()
        value = await ask()
        self._forget_if_changed()
        if generation == self._generation:
            self._remember(key, asked_at, value)
        return value

    def _remember(self, key: K, asked_at: float, value: V) -> None:
        if len(self._entries) >= MAX_ENTRIES:
            self._entries.clear()
        self._entries[key] = (asked_at + self._max_age_seconds, value)

    def _forget_if_changed(self) -> None:
        if self._changed.is_set():
            self._changed.clear()
            self._entries.clear()
            self._generation += 1
