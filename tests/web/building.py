"""Small applications with the real web room around them, and ways to call them."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from stationmaster.config import HttpSettings, Settings
from stationmaster.web import middleware, problems
from stationmaster.web.openapi import operation_id
from stationmaster.web.strict_request import StrictRequest


def make_settings(*, cors_origins: tuple[str, ...] = (), **http: Any) -> Settings:
    return Settings(_env_file=None, cors_origins=cors_origins, http=HttpSettings(**http))


def make_app(settings: Settings | None = None) -> FastAPI:
    """Build an application as `create_app` does, without any room of the domain."""
    settings = settings or make_settings()
    app = FastAPI(
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[StrictRequest],
        generate_unique_id_function=operation_id,
    )
    app.state.settings = settings
    problems.install(app)
    middleware.install(app, settings)
    return app


def client_of(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://testserver")


@dataclass
class Answer:
    """What an application sent."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    is_complete: bool = False


async def call(
    app: FastAPI,
    path: str = "/",
    *,
    method: str = "GET",
    headers: Iterable[tuple[bytes, bytes]] = ((b"host", b"testserver"),),
    chunks: Iterable[bytes] = (b"",),
    http_version: str = "1.1",
) -> Answer:
    """Call the application by plain ASGI, with whatever a well-behaved client would never send."""
    waiting = list(chunks)
    answer = Answer()

    async def receive() -> dict[str, Any]:
        if not waiting:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": waiting.pop(0), "more_body": bool(waiting)}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answer.status, answer.headers = message["status"], list(message["headers"])
        else:
            answer.body += message.get("body", b"")
            answer.is_complete = not message.get("more_body")

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": http_version, "method": method, "path": path,
        "raw_path": path.encode(), "query_string": b"", "root_path": "", "scheme": "http", "headers": list(headers),
        "client": ("127.0.0.1", 1), "server": ("testserver", 80),
    }  # fmt: skip
    await app(scope, receive, send)
    return answer


@asynccontextmanager
async def serve(app: FastAPI) -> AsyncIterator[int]:
    """Run the application on a real server; gives its port. Connections wait in the socket until it is up."""
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        async with asyncio.TaskGroup() as group:
            group.create_task(server.serve(sockets=[listening]))
            try:
                yield listening.getsockname()[1]
            finally:
                server.should_exit = True


async def send_raw(port: int, request: bytes) -> bytes:
    """Send bytes to the server and read until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        async with asyncio.timeout(5):
            return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()
