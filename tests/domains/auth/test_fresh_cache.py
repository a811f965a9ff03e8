"""Remembering answers for seconds, never past a change."""

import asyncio

from stationmaster.domains.auth.fresh_cache import MAX_ENTRIES, FreshCache


class Book:
    """Answers with the number of times it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def ask(self) -> int:
        self.asked += 1
        return self.asked


async def test_remembers() -> None:
    book, cache = Book(), FreshCache[str, int](asyncio.Event(), 60)

    assert [await cache.get("a", book.ask) for _ in range(3)] == [1, 1, 1]


async def test_tells_keys_apart() -> None:
    book, cache = Book(), FreshCache[str, int](asyncio.Event(), 60)

    assert [await cache.get(key, book.ask) for key in ("a", "b", "a")] == [1, 2, 1]


async def test_asks_again_when_the_answer_is_old() -> None:
    book, cache = Book(), FreshCache[str, int](asyncio.Event(), 0)

    assert [await cache.get("a", book.ask) for _ in range(2)] == [1, 2]


async def test_asks_again_after_a_change() -> None:
    changed = asyncio.Event()
    book, cache = Book(), FreshCache[str, int](changed, 60)
    await cache.get("a", book.ask)

    changed.set()

    assert [await cache.get("a", book.ask) for _ in range(2)] == [2, 2]


async def test_does_not_remember_an_answer_that_a_change_overtook() -> None:
    changed = asyncio.Event()
    book, cache = Book(), FreshCache[str, int](changed, 60)

    async def ask_slowly() -> int:
        answer = await book.ask()
        changed.set()
        return answer

    assert await cache.get("a", ask_slowly) == 1
    assert await cache.get("a", book.ask) == 2


async def test_also_when_somebody_else_saw_the_change_first() -> None:
    changed = asyncio.Event()
    book, cache = Book(), FreshCache[str, int](changed, 60)

    async def ask_slowly() -> int:
        answer = await book.ask()
        changed.set()
        await cache.get("b", book.ask)
        return answer

    await cache.get("a", ask_slowly)

    assert await cache.get("a", book.ask) == 3


async def test_does_not_grow_without_end() -> None:
    book, cache = Book(), FreshCache[int, int](asyncio.Event(), 60)

    for key in range(MAX_ENTRIES + 1):
        await cache.get(key, book.ask)

    assert len(cache._entries) == 1
