"""Which browsers' pages may read answers."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from stationmaster.errors import Conflict
from stationmaster.web.middleware import EXPOSED_HEADERS
from tests.web.building import client_of, make_app, make_settings

ORIGIN = "https://app.example.org"


def make_app_for(*origins: str) -> FastAPI:
    app = make_app(make_settings(cors_origins=origins))

    @app.get("/read")
    async def get_read() -> int:
        return 1

    @app.get("/refuse")
    async def get_refuse() -> None:
        raise Conflict("no")

    @app.get("/fail")
    async def get_fail() -> None:
        raise KeyError("x")

    return app


@pytest.fixture
async def browser() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(make_app_for(ORIGIN)) as opened:
        yield opened


@pytest.mark.parametrize("path", ["/read", "/fail", "/refuse", "/nowhere"])
async def test_a_listed_origin_may_read_every_answer(browser: httpx.AsyncClient, path: str) -> None:
    headers = (await browser.get(path, headers={"origin": ORIGIN})).headers

    assert headers["access-control-allow-origin"] == ORIGIN
    assert headers["access-control-allow-credentials"] == "true"
    assert headers["access-control-expose-headers"] == ", ".join(EXPOSED_HEADERS)
    assert "Origin" in headers["vary"]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", f"{ORIGIN}.evil", "http://app.example.org", "https://xapp.example.org"]
)
async def test_another_origin_may_not(browser: httpx.AsyncClient, origin: str) -> None:
    simple = await browser.get("/read", headers={"origin": origin})
    preflight = await browser.options("/read", headers={"origin": origin, "access-control-request-method": "GET"})

    assert "access-control-allow-origin" not in simple.headers
    assert "access-control-allow-origin" not in preflight.headers
    assert (preflight.status_code, preflight.json()["title"]) == (400, "The request cannot be read")


async def test_a_preflight_is_answered(browser: httpx.AsyncClient) -> None:
    asked = {"access-control-request-method": "PATCH", "access-control-request-headers": "if-match, x-api-key"}

    answer = await browser.options("/read", headers={"origin": ORIGIN} | asked)

    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, ORIGIN)


async def test_without_origins_there_is_no_cors() -> None:
    async with client_of(make_app_for()) as client:
        answer = await client.get("/read", headers={"origin": ORIGIN})

    assert not [name for name in answer.headers if name.startswith("access-control")]
