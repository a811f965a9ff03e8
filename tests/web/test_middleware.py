"""What happens around every request."""

import asyncio
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.responses import Response, StreamingResponse

from stationmaster.errors import Conflict
from tests.web.building import call, client_of, make_app, make_settings, send_raw, serve


def add_routes(app: FastAPI) -> FastAPI:
    @app.get("/read")
    async def get_read(request: Request) -> dict[str, str]:
        return {"id": request.state.request_id}

    @app.post("/write")
    async def create_write(body: dict[str, int]) -> dict[str, int]:
        return body

    @app.post("/upload", max_body_size=3000)
    async def create_upload(request: Request) -> int:
        return len(await request.body())

    @app.post("/fire")
    async def fire() -> None:
        app.state.fired = True

    @app.get("/fail")
    async def get_fail() -> None:
        raise KeyError("hunter2")

    @app.get("/refuse")
    async def get_refuse() -> None:
        raise Conflict("no")

    return app


@pytest.fixture
def app() -> FastAPI:
    return add_routes(make_app(make_settings(max_body_bytes=1024)))


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as opened:
        yield opened


@pytest.mark.parametrize("given", ["abc", "A-1_b.c", "x" * 64])
async def test_a_sane_request_id_is_kept(client: httpx.AsyncClient, given: str) -> None:
    answer = await client.get("/read", headers={"x-request-id": given})

    assert (answer.headers["x-request-id"], answer.json()["id"]) == (given, given)


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a\tb", 'a"', "ä".encode(), "a\x1b[2J"])
async def test_another_request_id_is_replaced(client: httpx.AsyncClient, given: str) -> None:
    answer = await client.get("/read", headers={"x-request-id": given})

    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}", answer.headers["x-request-id"])


@pytest.mark.parametrize("path", ["/read", "/fail", "/refuse", "/nowhere", "/read?unknown=1", "/read%00"])
async def test_every_answer_carries_the_headers(client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-request-id"]


async def test_a_header_that_the_endpoint_set_stays(app: FastAPI, client: httpx.AsyncClient) -> None:
    @app.get("/cached")
    async def get_cached() -> Response:
        return Response(headers={"Cache-Control": "max-age=5"})

    assert (await client.get("/cached")).headers["cache-control"] == "max-age=5"


@pytest.mark.parametrize("path", ["/write", "/write/"])
async def test_a_trailing_slash_answers_the_same(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.post(path, json={"a": 1})

    assert (answer.status_code, answer.json()) == (200, {"a": 1})


@pytest.mark.parametrize("path", ["/write//", "//write", "/read/x"])
async def test_other_slashes_are_another_address(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.post(path, json={})).status_code == 404


async def test_a_declared_body_over_the_limit_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/write", content=b"x" * 1025, headers={"content-type": "application/json"})

    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_chunked_body_over_the_limit_is_refused_before_it_is_read(app: FastAPI) -> None:
    sent = 0

    async def ten_megabytes() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 10_000_000:
            sent += 1000
            yield b"x" * 1000

    async with client_of(app) as client:
        answer = await client.post("/write", content=ten_megabytes(), headers={"content-type": "application/json"})

    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")
    assert sent == 2000


async def test_a_route_may_read_more_than_the_default(client: httpx.AsyncClient) -> None:
    fits = await client.post("/upload", content=b"x" * 3000)
    too_large = await client.post("/upload", content=b"x" * 3001)

    assert (fits.json(), too_large.status_code) == (3000, 413)


async def test_an_oversized_request_has_no_effect_where_no_body_is_read(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    answer = await client.post("/fire", content=b"x" * 2000)

    assert answer.status_code == 413
    assert not hasattr(app.state, "fired")


async def test_head_answers_as_get_without_a_body(client: httpx.AsyncClient) -> None:
    get, head = await client.get("/read"), await client.head("/read")

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]
    assert (await client.head("/nowhere")).status_code == 404
    assert (await client.head("/write")).status_code == 405


async def endless_stream() -> AsyncIterator[bytes]:
    while True:
        yield b"x"
        await asyncio.sleep(0)


async def test_head_of_an_endless_stream_ends(app: FastAPI, caplog: pytest.LogCaptureFixture) -> None:
    @app.get("/stream")
    async def get_stream() -> StreamingResponse:
        return StreamingResponse(endless_stream())

    async with client_of(app) as inside, serve(app) as port, httpx.AsyncClient() as outside:
        answers = [await inside.head("/stream"), await outside.head(f"http://127.0.0.1:{port}/stream")]

    assert [(answer.status_code, answer.content) for answer in answers] == [(200, b"")] * 2
    assert "http.failed" not in caplog.text


async def test_a_declared_head_is_left_alone(app: FastAPI, client: httpx.AsyncClient) -> None:
    @app.head("/read")
    async def head_read() -> None:
        raise Conflict("declared")

    assert (await client.head("/read")).status_code == 409


async def test_options_names_the_methods(client: httpx.AsyncClient) -> None:
    known, unknown = await client.options("/read"), await client.options("/nowhere")

    assert (known.status_code, known.headers["allow"]) == (204, "GET, HEAD, OPTIONS")
    assert unknown.status_code == 404


@pytest.mark.parametrize(("host", "status"), [("a.example", 200), ("b.a.example:80", 200), ("evil", 400), ("", 400)])
async def test_only_listed_hosts_are_answered(host: str, status: int) -> None:
    app = add_routes(make_app(make_settings(allowed_hosts=("a.example", "*.a.example"))))

    async with client_of(app) as client:
        answer = await client.get("/read", headers={"host": host})

    assert answer.status_code == status
    assert answer.headers["content-type"] == ("application/json" if status == 200 else "application/problem+json")


async def broken_stream() -> AsyncIterator[bytes]:
    yield b"first"
    raise KeyError("second")


async def test_an_error_after_the_answer_began_is_logged_and_cuts_it(
    app: FastAPI, caplog: pytest.LogCaptureFixture
) -> None:
    app.add_route("/stream", lambda request: StreamingResponse(broken_stream()))
    caplog.set_level("INFO")

    answer = await call(app, "/stream")

    assert (answer.status, answer.body, answer.is_complete) == (200, b"first", False)
    assert [record.message for record in caplog.records] == ["http.failed", "http.request"]


async def test_a_client_that_leaves_is_not_an_error(app: FastAPI, caplog: pytest.LogCaptureFixture) -> None:
    async def read_stream(request: Request) -> int:
        return len([chunk async for chunk in request.stream()])

    app.add_api_route("/stream", read_stream, methods=["POST"])
    caplog.set_level("INFO")

    await call(app, "/stream", method="POST", chunks=())

    assert [(record.message, record.status) for record in caplog.records] == [("http.request", 499)]  # type: ignore[attr-defined]


async def test_a_cancelled_request_passes_through_and_is_logged(app: FastAPI, caplog: pytest.LogCaptureFixture) -> None:
    async def wait() -> None:
        raise asyncio.CancelledError

    app.add_api_route("/wait", wait)
    caplog.set_level("INFO")

    with pytest.raises(asyncio.CancelledError):
        await call(app, "/wait")

    assert [record.message for record in caplog.records] == ["http.request"]


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        ("GET /read HTTP/1.1\r\nHost: a\r\nHost: b", 400),
        ("GET /read HTTP/1.1", 400),
        ("GET /read HTTP/1.0", 200),
        ("GET /read%zz HTTP/1.1\r\nHost: a", 404),
        ("GET /%c0%af HTTP/1.1\r\nHost: a", 400),
        ("GET /read?x=%00 HTTP/1.1\r\nHost: a", 400),
        ("GET /read?%ff=1 HTTP/1.1\r\nHost: a", 400),
        ("GET http://evil/read HTTP/1.1\r\nHost: a", 200),
        ("NONSENSE /read HTTP/1.1\r\nHost: a", 400),
        ("TRACE /read HTTP/1.1\r\nHost: a", 405),
        ("POST /write HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked", 400),
        ("POST /write HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6", 400),
        ("POST /write HTTP/1.1\r\nHost: a\r\nContent-Length: -1", 400),
    ],
)
async def test_a_real_server_answers_hostile_requests(app: FastAPI, request_head: str, status: int) -> None:
    async with serve(app) as port:
        answer = await send_raw(port, f"{request_head}\r\nConnection: close\r\n\r\n".encode())

    assert int(answer.split()[1]) == status
