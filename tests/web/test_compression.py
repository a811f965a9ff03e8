"""Which answers are compressed, and which never."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from starlette.responses import Response, StreamingResponse

from tests.web.building import client_of, make_app, make_settings

LONG = "all work and no play " * 100
GZIP = {"accept-encoding": "gzip"}


def add_routes(app: FastAPI) -> FastAPI:
    @app.get("/long")
    @app.post("/long")
    async def get_long() -> str:
        return LONG

    @app.get("/short")
    async def get_short() -> str:
        return "short"

    @app.get("/events")
    async def get_events() -> StreamingResponse:
        return StreamingResponse(iter(["data: 1\n\n", "data: 2\n\n"]), media_type="text/event-stream")

    @app.get("/archive")
    async def get_archive() -> Response:
        return Response(LONG, media_type="application/zip")

    return app


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(add_routes(make_app())) as opened:
        yield opened


async def test_a_long_answer_is_compressed_for_who_can_read_it(client: httpx.AsyncClient) -> None:
    packed = await client.get("/long", headers=GZIP)
    plain = await client.get("/long", headers={"accept-encoding": "identity"})

    assert ("gzip", None) == (packed.headers["content-encoding"], plain.headers.get("content-encoding"))
    assert packed.json() == plain.json() == LONG
    assert int(packed.headers["content-length"]) < len(plain.content) / 10
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/short"), ("GET", "/events"), ("GET", "/archive"), ("POST", "/long")]
)
async def test_some_answers_are_never_compressed(client: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await client.request(method, path, headers=GZIP)

    assert (answer.status_code, "content-encoding" in answer.headers) == (200, False)


async def test_head_tells_the_length_of_get(client: httpx.AsyncClient) -> None:
    get, head = await client.get("/long", headers=GZIP), await client.head("/long", headers=GZIP)

    assert get.headers["content-length"] == head.headers["content-length"]


async def test_it_may_be_left_to_a_proxy() -> None:
    async with client_of(add_routes(make_app(make_settings(compression=False)))) as client:
        answer = await client.get("/long", headers=GZIP)

    assert "content-encoding" not in answer.headers
