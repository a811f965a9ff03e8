"""Who is stopped by limits, who is not, and by what callers are told apart."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from stationmaster.config import Settings
from stationmaster.identity.actor import Role
from stationmaster.setting_groups import RateLimitSettings
from tests.support.databases import ONLY_SQLITE
from tests.support.people import PASSWORD, Person, make_key, make_person

pytestmark = ONLY_SQLITE

ME = "/api/v1/auth/me"
LOGIN = "/api/v1/auth/login"
RATES = RateLimitSettings(
    general="3/minute", execution="1/minute", login="2/minute", registration="2/minute", recovery="2/minute"
)
WRONG = {"email": "nobody@example.com", "password": "wrong"}
TRIAL = {"target": {"type": "webhook", "url": "http://127.0.0.1:9/"}}


@pytest.fixture
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    return settings.model_copy(update={"rate_limits": getattr(request, "param", RATES)})


@pytest.fixture
async def ada(app: FastAPI) -> Person:
    return await make_person(app, Role.USER)


@asynccontextmanager
async def calling_from(app: FastAPI, host: str, *, trusting: str = "") -> AsyncIterator[httpx.AsyncClient]:
    """Call from an address, past uvicorn's rule about proxies, which the server applies."""
    guarded = ProxyHeadersMiddleware(app, trusted_hosts=trusting)  # type: ignore[arg-type]  # ASGI, typed otherwise
    transport = httpx.ASGITransport(guarded, client=(host, 1))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield client


async def statuses(client: httpx.AsyncClient, count: int, **headers: str) -> list[int]:
    return [(await client.get(ME, headers=headers)).status_code for _ in range(count)]


async def test_one_call_too_many_is_told_when_to_come_again(client: httpx.AsyncClient, ada: Person) -> None:
    answers = [await client.get(ME, headers=ada.headers) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert answers[-1].json()["type"] == "/problems/rate-limited"
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 61


async def test_refusals_tell_the_standing_too(client: httpx.AsyncClient) -> None:
    answer = await client.get(ME)

    assert (answer.status_code, answer.headers["X-RateLimit-Limit"], "Retry-After" in answer.headers) == (
        401,
        "3",
        False,
    )


async def test_each_caller_has_a_budget(app: FastAPI, client: httpx.AsyncClient, ada: Person) -> None:
    _key, key = await make_key(app, ada.user)
    grace = await make_person(app, Role.USER)
    await statuses(client, 4, **ada.headers)

    assert await statuses(client, 4, **key) == [200, 200, 200, 429]
    assert await statuses(client, 1, **grace.headers) == [200]


@pytest.mark.parametrize("role", [Role.ADMIN, Role.SUPERADMIN])
async def test_administrators_are_exempt(app: FastAPI, client: httpx.AsyncClient, role: Role) -> None:
    admin = await make_person(app, role)
    _key, key = await make_key(app, admin.user)

    assert await statuses(client, 5, **admin.headers) == [200] * 5
    assert await statuses(client, 5, **key) == [200] * 5
    assert "X-RateLimit-Limit" not in (await client.get(ME, headers=admin.headers)).headers


async def test_a_key_below_its_owner_is_not_exempt(app: FastAPI, client: httpx.AsyncClient) -> None:
    admin = await make_person(app, Role.ADMIN)
    _key, key = await make_key(app, admin.user, Role.USER)

    assert await statuses(client, 4, **key) == [200, 200, 200, 429]


async def test_false_credentials_are_counted_by_address(client: httpx.AsyncClient) -> None:
    guesses = [f"Bearer {number}" for number in range(4)]
    answers = [await client.get(ME, headers={"Authorization": guess}) for guess in guesses]

    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]


async def test_logins_are_counted_for_administrators_too(app: FastAPI, client: httpx.AsyncClient) -> None:
    admin = await make_person(app, Role.ADMIN)
    answers = [await client.post(LOGIN, json=WRONG, headers=admin.headers) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [401, 401, 429]


async def test_right_logins_are_counted_with_the_wrong(client: httpx.AsyncClient, ada: Person) -> None:
    right = {"email": ada.user.email, "password": PASSWORD}
    answers = [await client.post(LOGIN, json=body) for body in (WRONG, right, right)]

    assert [answer.status_code for answer in answers] == [401, 200, 429]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/auth/register", {"email": "new@example.com", "name": "New", "password": "seven silent semaphores"}),
        ("/auth/password-reset", {"email": "nobody@example.com"}),
    ],
)
async def test_strangers_doors_have_their_own_budgets(
    client: httpx.AsyncClient, path: str, body: dict[str, str]
) -> None:
    answers = [await client.post(f"/api/v1{path}", json=body) for _ in range(3)]

    assert [answer.status_code == 429 for answer in answers] == [False, False, True]


async def test_executions_have_their_own_budget(client: httpx.AsyncClient, ada: Person) -> None:
    trials = [await client.post("/api/v1/jobs/test-run", json=TRIAL, headers=ada.headers) for _ in range(2)]

    assert trials[1].status_code == 429
    assert trials[1].headers["X-RateLimit-Limit"] == "1"
    assert await statuses(client, 1, **ada.headers) == [200]


async def test_probes_are_not_counted(client: httpx.AsyncClient) -> None:
    answers = [await client.get("/health/live") for _ in range(5)]

    assert {answer.status_code for answer in answers} == {200}
    assert "X-RateLimit-Limit" not in answers[0].headers


@pytest.mark.parametrize("settings", [RateLimitSettings(enabled=False, general="1/minute")], indirect=True)
async def test_it_can_be_switched_off(client: httpx.AsyncClient, ada: Person) -> None:
    assert await statuses(client, 3, **ada.headers) == [200] * 3


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Client-IP", "True-Client-IP"])
async def test_an_invented_address_is_not_believed(app: FastAPI, header: str) -> None:
    async with calling_from(app, "198.51.100.1") as client:
        answers = [await client.get(ME, headers={header: f"203.0.113.{number}"}) for number in range(4)]

    assert answers[-1].status_code == 429


async def test_behind_a_trusted_proxy_the_rightmost_stranger_counts(app: FastAPI) -> None:
    async with calling_from(app, "10.0.0.1", trusting="10.0.0.0/8") as client:
        chains = [f"203.0.113.{number}, 198.51.100.1, 10.0.0.2" for number in range(4)]
        answers = [await client.get(ME, headers={"X-Forwarded-For": chain}) for chain in chains]
        another = await client.get(ME, headers={"X-Forwarded-For": "198.51.100.2"})

    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert another.status_code == 401


async def test_the_addresses_of_one_ipv6_line_count_as_one(app: FastAPI) -> None:
    seen = []
    for number in range(4):
        async with calling_from(app, f"2001:db8:0:1::{number:x}") as client:
            seen.append((await client.get(ME)).status_code)
    async with calling_from(app, "2001:db8:0:2::1") as client:
        neighbour = await client.get(ME)

    assert seen == [401, 401, 401, 429]
    assert neighbour.status_code == 401
