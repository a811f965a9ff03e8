"""The receiver of the demonstration's webhooks: a small server on loopback."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

HOST = "127.0.0.1"
FAILURES = 2
"""How often `/flaky` fails before it succeeds."""
SLOW_SECONDS = 1.5


@dataclass(frozen=True)
class Receiver:
    """A running receiver; `signing_secret` is what `/signed` expects."""

    port: int
    signing_secret: str

    def url(self, path: str) -> str:
        return f"http://{self.address}{path}"

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"


@asynccontextmanager
async def open_receiver(*, signing_secret: str, wanted_port: int) -> AsyncIterator[Receiver]:
    """Listen as long as the context lasts, on the wanted port if it is free, else on any other."""
    listener = _bind(wanted_port)
    runner = web.AppRunner(_make_app(signing_secret), access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        yield Receiver(listener.getsockname()[1], signing_secret)
    finally:
        await runner.cleanup()


def _bind(wanted_port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, wanted_port))
    except OSError:  # taken
        return socket.create_server((HOST, 0))


def _make_app(signing_secret: str) -> web.Application:
    app = web.Application()
    app.add_routes(
        [
            web.post("/ok", _answer_ok),
            web.post("/flaky", _answer_flaky),
            web.post("/slow", _answer_slow),
            web.post("/signed", _SignedAnswer(signing_secret).answer),
        ]
    )
    return app


async def _answer_ok(_request: web.Request) -> web.Response:
    return web.Response(text="ok")


async def _answer_flaky(request: web.Request) -> web.Response:
    """Fail the first attempts of each execution."""
    attempt = int(request.headers.get("stationmaster-attempt", "1"))
    if attempt <= FAILURES:
        return web.Response(status=500, text=f"attempt {attempt} fails on purpose")
    return web.Response(text=f"attempt {attempt} succeeds")


async def _answer_slow(_request: web.Request) -> web.Response:
    await asyncio.sleep(SLOW_SECONDS)
    return web.Response(text=f"after {SLOW_SECONDS} s")


@dataclass(frozen=True)
class _SignedAnswer:
    """Takes only what is signed with the secret (Standard Webhooks 1.0)."""

    secret: str

    async def answer(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            Webhook(self.secret).verify(await request.read(), headers)
        except WebhookVerificationError as error:
            return web.Response(status=401, text=f"wrong signature: {error}")
        return web.Response(text="signature verified")
