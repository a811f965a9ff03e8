"""Counting calls, in memory and in Redis, and what happens when Redis is away."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from starlette.requests import HTTPConnection, Request

from stationmaster.errors import Unavailable
from stationmaster.setting_groups import RateLimitSettings
from stationmaster.web.limits import LimitClass
from stationmaster.web.throttle import Standing, Throttle, open_throttle
from tests.support.redis import NEEDS_REDIS, RedisServer, open_redis

MEMORY = "memory://"
SLOWEST_ANSWER_SECONDS = 5.0


def make_connection(kind: str = "http") -> HTTPConnection:
    scope = {"type": kind, "method": "GET", "path": "/", "headers": [], "query_string": b"", "state": {}}
    return Request(scope) if kind == "http" else HTTPConnection(scope)


async def call(throttle: Throttle, who: str = "user:1", limit_class: LimitClass = LimitClass.EXECUTION) -> Standing:
    standing = await throttle.count(make_connection(), limit_class, who)
    assert standing is not None
    return standing


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with TemporaryDirectory() as folder, open_redis(Path(folder)) as server:
        yield server


@pytest.fixture(params=["memory", pytest.param("redis", marks=NEEDS_REDIS)])
def storage_url(request: pytest.FixtureRequest) -> str:
    url: str = MEMORY if request.param == "memory" else request.getfixturevalue("redis").url
    return url


@pytest.fixture
async def throttle(storage_url: str) -> AsyncIterator[Throttle]:
    async with open_throttle(
        RateLimitSettings(storage_url=storage_url, execution="3/minute", login="1/hour")
    ) as opened:
        yield opened


async def test_calls_are_counted_until_there_are_too_many(throttle: Throttle) -> None:
    standings = [await call(throttle) for _ in range(5)]

    assert [standing.remaining for standing in standings] == [2, 1, 0, 0, 0]
    assert [standing.is_over for standing in standings] == [False, False, False, True, True]


async def test_a_hundred_at_once_are_not_one_too_many(throttle: Throttle) -> None:
    standings = await asyncio.gather(*(call(throttle) for _ in range(100)))

    assert [standing.is_over for standing in standings].count(False) == 3


async def test_the_headers_tell_when_the_window_ends(throttle: Throttle) -> None:
    standing = await call(throttle)

    assert standing.headers["X-RateLimit-Limit"] == "3"
    assert standing.headers["X-RateLimit-Remaining"] == "2"
    assert 0 < standing.reset_at - time.time() <= 61
    assert float(standing.headers["X-RateLimit-Reset"]) >= standing.reset_at


@pytest.mark.parametrize(("who", "limit_class"), [("user:2", LimitClass.EXECUTION), ("user:1", LimitClass.GENERAL)])
async def test_callers_and_classes_have_budgets_of_their_own(
    throttle: Throttle, who: str, limit_class: LimitClass
) -> None:
    for _ in range(4):
        await call(throttle)

    assert not (await call(throttle, who, limit_class)).is_over


async def test_what_was_counted_can_be_read(throttle: Throttle) -> None:
    await call(throttle, "ip:2001:db8::/64", LimitClass.LOGIN)
    for _ in range(2):
        await call(throttle)
    counters = await throttle.list_counters()

    assert [counter.key for counter in counters] == ["login:ip:2001:db8::/64", "execution:user:1"]
    assert [counter.count for counter in counters] == [1, 2]
    assert [counter.item.get_expiry() for counter in counters] == [3600, 60]


async def test_one_budget_can_be_reset_or_all(throttle: Throttle) -> None:
    for who in ("user:1", "user:2", "user:3"):
        await call(throttle, who)

    assert await throttle.reset("execution:user:2") == 1
    assert await throttle.reset("execution:user:2") == 0
    assert await throttle.reset() == 2
    assert await throttle.list_counters() == []


async def test_the_opening_of_a_websocket_is_counted(throttle: Throttle) -> None:
    for _ in range(4):
        standing = await throttle.count(make_connection("websocket"), LimitClass.EXECUTION, "user:1")

    assert standing is not None
    assert standing.is_over


async def test_the_environment_does_not_lead_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """slowapi would read these by itself, and its headers option breaks every answer."""
    for name, value in {"ENABLED": "false", "HEADERS_ENABLED": "true", "STORAGE_URL": "redis://nowhere"}.items():
        monkeypatch.setenv(f"RATELIMIT_{name}", value)
    async with open_throttle(RateLimitSettings(execution="1/minute")) as throttle:
        standings = [await call(throttle) for _ in range(2)]

    assert [standing.is_over for standing in standings] == [False, True]


async def test_nobody_is_named_in_the_log(throttle: Throttle, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        for _ in range(5):
            await call(throttle, "ip:203.0.113.7")

    assert "203.0.113.7" not in caplog.text


@NEEDS_REDIS
async def test_replicas_count_together_in_redis(redis: RedisServer) -> None:
    settings = RateLimitSettings(storage_url=redis.url, execution="3/minute")
    async with open_throttle(settings) as one, open_throttle(settings) as two:
        standings = [await call(each) for each in (one, two, one, two)]

    assert [standing.is_over for standing in standings] == [False, False, False, True]


@NEEDS_REDIS
@pytest.mark.parametrize("how", ["kill", "freeze"])
async def test_while_redis_is_away_calls_pass_and_are_counted_here(
    redis: RedisServer, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    settings = RateLimitSettings(storage_url=redis.url, execution="50/minute")
    async with open_throttle(settings) as throttle:
        await call(throttle)
        redis.kill() if how == "kill" else redis.freeze()
        async with asyncio.timeout(SLOWEST_ANSWER_SECONDS):
            at_once = await asyncio.gather(
                *(throttle.count(make_connection(), LimitClass.EXECUTION, "user:1") for _ in range(40))
            )
        afterwards = await call(throttle)

    assert not any(standing.is_over for standing in at_once if standing)
    assert afterwards.remaining < 50
    assert [record.message for record in caplog.records] == ["rate_limits.storage_away"]


@NEEDS_REDIS
async def test_the_loop_goes_on_while_redis_does_not_answer(redis: RedisServer) -> None:
    async with open_throttle(RateLimitSettings(storage_url=redis.url)) as throttle:
        redis.freeze()
        asking = asyncio.ensure_future(throttle.count(make_connection(), LimitClass.GENERAL, "user:1"))
        await asyncio.sleep(0)
        was_asking = not asking.done()
        await asking

    assert was_asking


@NEEDS_REDIS
async def test_redis_counts_again_when_it_is_back(redis: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    async with open_throttle(RateLimitSettings(storage_url=redis.url)) as throttle:
        redis.freeze()
        await throttle.count(make_connection(), LimitClass.GENERAL, "user:1")
        redis.thaw()
        async with asyncio.timeout(SLOWEST_ANSWER_SECONDS):
            while "rate_limits.storage_back" not in caplog.text:
                await call(throttle)
                await asyncio.sleep(0.05)


@NEEDS_REDIS
async def test_a_start_without_redis_is_a_start(redis: RedisServer) -> None:
    redis.kill()
    async with open_throttle(RateLimitSettings(storage_url=redis.url)) as throttle:
        await throttle.count(make_connection(), LimitClass.GENERAL, "user:1")

        assert (await call(throttle)).remaining > 0


@NEEDS_REDIS
async def test_what_cannot_be_read_is_unavailable(redis: RedisServer) -> None:
    async with open_throttle(RateLimitSettings(storage_url=redis.url)) as throttle:
        redis.kill()

        with pytest.raises(Unavailable):
            await throttle.list_counters()
