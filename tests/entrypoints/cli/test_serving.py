"""The server around the application: signals, failures, the port."""

import asyncio
import errno
import gc
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.applications import Starlette

from stationmaster.config import Settings
from stationmaster.entrypoints.cli.serving import Server, bind, explain, port_of, url_of
from stationmaster.entrypoints.cli.terminal import Refusal

Work = Callable[[Any], Coroutine[Any, Any, None]]


async def nothing(_app: object) -> None:
    return


def make_app(*, starting: Work = nothing, draining: Work = nothing) -> Starlette:
    """Make an application that does something before it serves and after it has served."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await starting(app)
        app.state.stopping = asyncio.Event()
        yield
        await draining(app)

    return Starlette(lifespan=lifespan)


async def live(app: Starlette, *signals: signal.Signals, companion: Work | None = None) -> Server:
    """Serve the app and send these signals once it serves, each when the one before has been noticed."""
    server = Server(app, Settings(_env_file=None))

    async def send(app: Any) -> None:
        for number in signals:
            os.kill(os.getpid(), number)
            await app.state.stopping.wait()

    async with asyncio.timeout(10):
        await server.live(bind("127.0.0.1", 0), companion or send)
    return server


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_sets_stopping_and_ends_it(number: signal.Signals) -> None:
    app = make_app()
    before = signal.signal(number, signal.SIG_DFL)  # where the tests run under nohup, SIGHUP is ignored
    try:
        await live(app, number)
    finally:
        signal.signal(number, before)

    assert app.state.stopping.is_set()


async def test_the_application_drains_after_the_server_has_ended() -> None:
    drained = []

    async def drain(_app: Starlette) -> None:
        await asyncio.sleep(0)
        drained.append(True)

    await live(make_app(draining=drain), signal.SIGTERM)

    assert [True] == drained


async def test_a_signal_while_it_starts_ends_it_before_it_serves() -> None:
    async def start(_app: Starlette) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.Event().wait()

    server = await live(make_app(starting=start))

    assert not server.started


async def test_the_long_collection_is_over_before_anything_works() -> None:
    """Afterwards it would hold up the first heartbeats."""
    gc.unfreeze()
    spared = []

    async def start(_app: Starlette) -> None:
        spared.append(gc.get_freeze_count())

    await live(make_app(starting=start), signal.SIGTERM)

    assert spared[0] > 0


async def test_a_second_signal_cuts_the_drain_short() -> None:
    async def drain(_app: Starlette) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.Event().wait()

    with pytest.raises(Refusal, match="Stopped at once"):
        await live(make_app(draining=drain), signal.SIGTERM)


async def test_two_signals_at_once_do_not_drain() -> None:
    drained = []

    async def drain(_app: Starlette) -> None:
        await asyncio.sleep(0)
        drained.append(True)

    with pytest.raises(Refusal, match="Stopped at once"):
        await live(make_app(draining=drain), signal.SIGTERM, signal.SIGTERM)
    assert [] == drained


async def test_a_failed_part_is_no_polite_end() -> None:
    async def fail(app: Starlette) -> None:
        app.state.failed_part = "runner"

    with pytest.raises(Refusal, match="runner failed") as refused:
        await live(make_app(draining=fail), signal.SIGTERM)
    assert refused.value.exit_code == 1


async def test_what_fails_at_the_start_is_raised() -> None:
    async def fail(_app: Starlette) -> None:
        raise ConnectionRefusedError

    with pytest.raises(ConnectionRefusedError):
        await live(make_app(starting=fail))


async def test_what_fails_beside_it_ends_it() -> None:
    async def fail(_app: Starlette) -> None:
        raise Refusal("the companion has had enough")

    with pytest.raises(ExceptionGroup) as raised:
        await live(make_app(), companion=fail)
    assert raised.group_contains(Refusal)


async def test_an_ignored_signal_stays_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """As under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        app = make_app()

        async def send(_app: object) -> None:
            os.kill(os.getpid(), signal.SIGHUP)
            await asyncio.sleep(0.05)
            assert not app.state.stopping.is_set()
            os.kill(os.getpid(), signal.SIGTERM)

        await live(app, companion=send)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_port_in_use_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(Refusal, match="something listens there"):
        bind("127.0.0.1", port_of(listener))


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EADDRINUSE, "something listens there already"),
        (errno.EACCES, "below 1024"),
        (errno.EADDRNOTAVAIL, "Cannot assign requested address."),
    ],
)
def test_a_refusal_says_why(number: int, words: str) -> None:
    assert words in explain(OSError(number, os.strerror(number)), 80)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (("127.0.0.1", 8000), "http://127.0.0.1:8000"),
        (("0.0.0.0", 8000), "http://127.0.0.1:8000"),
        (("::", 8000, 0, 0), "http://[::1]:8000"),
        (("::1", 8000, 0, 0), "http://[::1]:8000"),
    ],
)
def test_an_address_is_one_that_can_be_called(address: tuple[Any, ...], expected: str) -> None:
    listener: Any = SimpleNamespace(getsockname=lambda: address)

    assert expected == url_of(listener)
