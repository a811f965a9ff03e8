"""Serves the application in this process until a signal ends it.

The order of an end matters. At the first signal the application's `stopping` is set, so it leaves the election, claims
nothing more and ends its streams while uvicorn still waits for the open connections, a few seconds at most; then the
lifespan drains what is under way. A second signal cancels all of that: nothing is lost, the leases of what was under way
run out, and another replica (or the next start) takes it back.

The lifespan is entered here and not by uvicorn: so an error at the start reaches the command line as it is, the port is
ours before any work begins, and a second signal also cuts a drain short.
"""

import asyncio
import errno
import gc
import logging
import os
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pkgutil import resolve_name
from types import FrameType
from typing import Any, Protocol

import uvicorn

from stationmaster.config import Settings
from stationmaster.entrypoints.cli.terminal import FAILED, MISUSED, Refusal

logger = logging.getLogger(__name__)

APPLICATION = "stationmaster.app:create_app"
"""By name, as servers do: the application stands above the doors and imports them."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOOPBACK = {4: "127.0.0.1", 6: "::1"}
CONNECTIONS_SECONDS = 3
"""How long open connections may hold up the end: one that streams for ever would hold it up for ever."""
FORCED_SECONDS = 2.0
"""How long the cancelled parts may take to let go after a second signal."""


class Application(Protocol):
    """What is asked of the application: to be callable by a server, and its lifespan."""

    state: Any
    router: Any

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...


Companion = Callable[[Application], Coroutine[Any, Any, None]]
"""Something that runs beside the service, once it has started, and ends with it."""


def bind(host: str, port: int) -> socket.socket:
    """Take a port (0: any free one) without listening yet.

    Raises:
        Refusal: it cannot be had; says what to do.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise Refusal(f"{host} is no address of this machine ({error.strerror}).", exit_code=MISUSED) from error
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise Refusal(f"Port {port} on {host} cannot be used: {explain(error, port)}") from error
    return listener


def explain(error: OSError, port: int) -> str:
    """Say why a port cannot be had, and what to do."""
    match error.errno:
        case errno.EADDRINUSE:
            return f"something listens there already (see `ss -ltnp sport = :{port}`). Choose another with --port."
        case errno.EACCES:
            return "ports below 1024 belong to root. Choose another with --port."
    return f"{error.strerror}."


async def serve(settings: Settings, listener: socket.socket, *, companion: Companion | None = None) -> None:
    """Run the service, and the companion beside it, until a signal comes.

    Raises:
        Refusal: a part of it failed, or a second signal cut the end short.
    """
    await Server(resolve_name(APPLICATION)(settings), settings).live(listener, companion or _nothing)


async def _nothing(_app: Application) -> None:
    """Stand in for a companion."""


class Server(uvicorn.Server):
    """uvicorn's server, inside the application's lifespan and with our ways of ending."""

    def __init__(self, app: Application, settings: Settings) -> None:
        config = uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            forwarded_allow_ips=settings.http.forwarded_allow_ips,
            timeout_graceful_shutdown=CONNECTIONS_SECONDS,
        )
        super().__init__(config)
        self.servers = []
        self._app = app
        self._life: asyncio.Task[None] | None = None
        self._is_ending = False
        self._last_resort: asyncio.TimerHandle | None = None

    async def live(self, listener: socket.socket, companion: Companion) -> None:
        """Start, serve, end; see the module.

        Raises:
            Refusal: a part failed, or a second signal came.
        """
        self._life = asyncio.current_task()
        logging.getLogger("uvicorn.error").addFilter(_is_no_cut_request)
        try:
            with listener, self._heeding_signals():
                _spare_the_collector()
                async with self._app.router.lifespan_context(self._app):
                    await self._serve_beside(listener, companion)
                    self._is_ending = True
                    if self.force_exit:
                        self._cut_short()
        except asyncio.CancelledError:
            if not self.should_exit:
                raise
        finally:
            if self._last_resort:
                self._last_resort.cancel()
        self._report()

    async def _serve_beside(self, listener: socket.socket, companion: Companion) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                beside = group.create_task(companion(self._app))
                await self.serve(sockets=[listener])
                beside.cancel()
        finally:
            for server in self.servers:  # still open when the companion failed
                server.close()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say where."""
        await super().startup(sockets)
        for listener in sockets or []:
            logger.info("service.listening", extra={"address": listener.getsockname()[0], "port": port_of(listener)})

    def _report(self) -> None:
        failed_part = getattr(self._app.state, "failed_part", None)
        if failed_part is not None:
            raise Refusal(f"The service stopped because its {failed_part} failed; the log says how.")
        if self.force_exit:
            raise Refusal("Stopped at once. Work that was under way is taken back when its leases have run out.")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002  # uvicorn's signature
        """Begin to end; at the second signal end at once. Called on the event loop."""
        assert self._life is not None
        if self.force_exit:
            return
        if self.should_exit:
            logger.warning("service.stop_forced", extra={"signal": signal.Signals(sig).name})
            self.force_exit = True  # uvicorn looks at it and waits for nothing more
            if self._is_ending or not self.started:
                self._cut_short()
            self._last_resort = asyncio.get_running_loop().call_later(FORCED_SECONDS, os._exit, FAILED)
            return
        logger.info("service.stopping", extra={"signal": signal.Signals(sig).name})
        self.should_exit = True
        stopping = getattr(self._app.state, "stopping", None)
        if stopping is not None:
            stopping.set()
        if not self.started:
            self._cut_short()  # still starting: there is nothing yet that must end politely

    def _cut_short(self) -> None:
        """Interrupt the lifespan where it waits next, and the requests that are left."""
        assert self._life is not None
        self._life.cancel()
        for request in self.server_state.tasks:
            request.cancel()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone: ours are heeded for longer, and uvicorn would raise them again at the end."""
        yield

    @contextmanager
    def _heeding_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        # What was ignored when we were started stays ignored: SIGHUP under nohup, SIGINT in a script's background.
        heeded = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        for number in heeded:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in heeded:
                loop.remove_signal_handler(number)


def _is_no_cut_request(record: logging.LogRecord) -> bool:
    """Keep out the traceback that uvicorn writes of each request which we cut off at the end; it says that it did."""
    return not (record.exc_info and record.exc_info[0] is asyncio.CancelledError)


def port_of(listener: socket.socket) -> int:
    """Return the port that a socket has."""
    port: int = listener.getsockname()[1]
    return port


def url_of(listener: socket.socket) -> str:
    """Return an address at which this machine reaches what listens on the socket."""
    address = ip_address(listener.getsockname()[0])
    host = LOOPBACK[address.version] if address.is_unspecified else str(address)
    return f"http://[{host}]:{port_of(listener)}" if address.version == 6 else f"http://{host}:{port_of(listener)}"


def _spare_the_collector() -> None:
    """Leave what start-up made out of garbage collection, and collect less often.

    Measured with 10,000 webhooks due at once: by default the collector took 45 % of all CPU, walking over the same objects
    again and again. The last walk over all of them takes 0.3 s (two on a busy machine): too long once there are heartbeats.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)
