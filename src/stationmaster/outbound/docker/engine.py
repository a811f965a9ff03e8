"""The client of one Docker engine: containers and images."""

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiodocker
import aiohttp
from aiodocker.exceptions import DockerError

from stationmaster.outbound.docker.address import CONNECT_SECONDS, find_address, make_connector
from stationmaster.outbound.docker.errors import Conflict, EngineAway, EngineRefused, NotThere
from stationmaster.outbound.docker.log_stream import Block, read_blocks
from stationmaster.outbound.docker.report import EngineReport

logger = logging.getLogger(__name__)

CALL_SECONDS = 30
"""Longest time of a call that must end by itself."""
_CALL = aiohttp.ClientTimeout(total=CALL_SECONDS, sock_connect=CONNECT_SECONDS)
_STREAM = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
NOT_FOUND = 404
CONFLICT = 409
AWAY_STATUS = 900
"""What aiodocker says when it could not reach the engine."""
AWAY_ERRORS = (aiohttp.ClientError, OSError, TimeoutError, asyncio.IncompleteReadError)

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RegistryLogin:
    """How to pull from a private registry."""

    server: str
    username: str
    password: str

    def header(self) -> str:
        """Return the value of X-Registry-Auth (Engine API, "Authentication")."""
        document = {"username": self.username, "password": self.password, "serveraddress": self.server}
        return base64.urlsafe_b64encode(json.dumps(document).encode()).decode()


class Engine:
    """One engine. Made by `open_engine`; safe for any number of tasks at once."""

    def __init__(self, docker: aiodocker.Docker) -> None:
        self.docker = docker
        self._id = ""

    async def find_id(self) -> str:
        """Return the engine's own id, asked once."""
        if not self._id:
            self._id = (await self.report()).id
        return self._id

    async def report(self) -> EngineReport:
        """Ask what it is, and what it can."""
        with translated():
            return EngineReport.read(await self.docker.system.info())

    async def find_container(self, name: str) -> Json | None:
        """Return what the engine knows of a container, by its name or id; None when there is none."""
        try:
            with translated():
                return dict(await self.docker.containers.container(name).show())
        except NotThere:
            return None

    async def list_containers(self, label: str) -> dict[str, Mapping[str, str]]:
        """Return the labels of the containers with a label (`name=value`), running or not, by id."""
        query = {"all": "1", "filters": json.dumps({"label": [label]})}
        with translated():
            return {str(found["Id"]): found["Labels"] for found in await self.get_json("containers/json", query)}

    async def create_container(self, name: str, config: Mapping[str, Any]) -> str:
        """Create a container under a name and return its id; the engine allows one of each name.

        Raises:
            Conflict: the name is taken.
            NotThere: there is no such image.
        """
        with translated():
            return (await self.docker.containers.create(dict(config), name=name)).id

    async def start_container(self, id_: str) -> None:
        """Start it; one that runs already is left as it is."""
        with translated():
            await self.docker.containers.container(id_).start()

    async def wait_for_exit(self, id_: str) -> None:
        """Come back when the container does not run (any more)."""
        with translated():
            await self.docker.containers.container(id_).wait(timeout=_STREAM)

    async def stop_container(self, id_: str, *, grace_seconds: int) -> None:
        """Ask it to end, and kill it if it has not ended in time; one that is gone or has ended is fine too."""
        limit = aiohttp.ClientTimeout(total=CALL_SECONDS + grace_seconds, sock_connect=CONNECT_SECONDS)
        with forgiving(), translated():
            await self.docker.containers.container(id_).stop(t=grace_seconds, timeout=limit)

    async def remove_container(self, id_: str) -> None:
        """Remove it with its volumes, running or not; one that is gone is fine too."""
        with forgiving(), translated():
            await self.docker.containers.container(id_).delete(force=True, v=True, timeout=_CALL)

    async def follow_log(self, path: str, *, skip_lines: int = 0) -> AsyncIterator[Block]:
        """Yield the lines of `containers/ID` or `services/ID` after the first ones, as they are written, to the log's end.

        Raises:
            EngineAway: it broke off.
        """
        query = {"stdout": "1", "stderr": "1", "follow": "1"}
        with translated():
            async with self.request("GET", f"{path}/logs", query) as response:
                async for block in read_blocks(response.content, skip_lines=skip_lines):
                    yield block

    async def put_archive(self, id_: str, folder: str, archive: bytes) -> None:
        """Unpack a tar file in a folder of a container, which need not run."""
        with translated():
            async with self.request("PUT", f"containers/{id_}/archive", {"path": folder}, data=archive) as response:
                await response.read()

    async def get_archive(self, id_: str, path: str, *, max_bytes: int) -> bytes | None:
        """Return a path of a container as a tar file; None when there is no such path, or it is larger than allowed."""
        content = bytearray()
        try:
            with translated():
                async with self.request("GET", f"containers/{id_}/archive", {"path": path}) as response:
                    async for chunk in response.content.iter_any():
                        content += chunk
                        if len(content) > max_bytes:
                            return None
        except NotThere:
            return None
        return bytes(content)

    async def find_image(self, reference: str) -> Json | None:
        """Return what the engine knows of an image it has; None when it has none."""
        try:
            with translated():
                return dict(await self.docker.images.inspect(reference))
        except NotThere:
            return None

    async def pull_image(self, reference: str, login: RegistryLogin | None) -> None:
        """Fetch an image from its registry.

        Raises:
            EngineRefused: there is none, or the registry does not let us in.
        """
        headers = {"X-Registry-Auth": login.header()} if login else None
        with translated():
            async with self.request("POST", "images/create", _pull_query(reference), headers=headers) as response:
                async for message in read_messages(response.content):
                    if "error" in message:
                        raise EngineRefused(NOT_FOUND, str(message["error"]))

    async def list_images(self, label: str) -> dict[str, Mapping[str, str]]:
        """Return the labels of the images with a label (`name=value`), by id."""
        query = {"filters": json.dumps({"label": [label]})}
        with translated():
            return {str(found["Id"]): found["Labels"] for found in await self.get_json("images/json", query)}

    async def remove_image(self, reference: str) -> None:
        """Remove an image that no container uses; one that is gone, or used, is fine too."""
        with forgiving(), translated():
            await self.docker.images.delete(reference)

    @asynccontextmanager
    async def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        *,
        data: bytes | AsyncIterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Make a call whose answer is read as it comes; it has no time limit but the caller's.

        Raises:
            DockerError: the engine refused; to be translated.
        """
        if not self.docker.api_version.startswith("v"):
            await self.docker.version()  # settles the version to speak
        url = f"{self.docker.docker_host}/{self.docker.api_version}/{path}"
        kinds = {"content-type": "application/x-tar"} if data is not None else {}
        async with self.docker.session.request(
            method, url, params=query, data=data, headers={**kinds, **(headers or {})}, timeout=_STREAM
        ) as response:
            if response.status >= 400:
                raise DockerError(response.status, _message_of(await response.read()))
            yield response

    async def get_json(self, path: str, query: Mapping[str, str]) -> Any:
        """Ask for a document; errors are to be translated."""
        async with asyncio.timeout(CALL_SECONDS), self.request("GET", path, query) as response:
            return await response.json()

    async def send_json(self, path: str, body: Mapping[str, Any], *, headers: Mapping[str, str] | None = None) -> Any:
        """Post a document; errors are to be translated."""
        kinds = {"content-type": "application/json", **(headers or {})}
        data = json.dumps(body).encode()
        async with asyncio.timeout(CALL_SECONDS), self.request("POST", path, {}, data=data, headers=kinds) as response:
            return await response.json()


@asynccontextmanager
async def open_engine(url: str, certificates: Path | None = None) -> AsyncIterator[Engine]:
    """Open a client for as long as the context lasts; the engine itself need not be there yet.

    Raises:
        ValueError: the address is none that the engine can have.
    """
    base, connector = make_connector(find_address(url), certificates)
    async with aiohttp.ClientSession(connector=connector, timeout=_CALL, trust_env=False) as session:
        # A session of ours is not closed by the client: its own closing fails when a stream broke off.
        yield Engine(aiodocker.Docker(url=base, connector=connector, session=session, timeout=_CALL))


async def read_messages(content: aiohttp.StreamReader) -> AsyncIterator[Json]:
    """Yield the JSON documents of a progress stream, one a line, however long the line."""
    buffer = bytearray()
    async for chunk in content.iter_any():
        buffer += chunk
        *lines, rest = buffer.split(b"\n")
        buffer = bytearray(rest)
        for line in lines:
            if line.strip():
                yield json.loads(line)
    if buffer.strip():
        yield json.loads(buffer)


@contextmanager
def translated() -> Iterator[None]:
    """Turn what aiodocker and aiohttp raise into the errors of this package."""
    try:
        yield
    except DockerError as error:
        raise _name(error) from error
    except AWAY_ERRORS as error:
        raise EngineAway("The Docker engine cannot be reached, or went away in the middle of its answer.") from error


@contextmanager
def forgiving() -> Iterator[None]:
    """Pass over what says that there is nothing left to do."""
    try:
        yield
    except (NotThere, Conflict) as error:
        logger.debug("docker.nothing_to_do", extra={"answer": str(error)})


def _name(error: DockerError) -> EngineAway | EngineRefused:
    match error.status:
        case status if status == AWAY_STATUS:
            return EngineAway("The Docker engine cannot be reached.")
        case status if status == NOT_FOUND:
            return NotThere(error.status, error.message)
        case status if status == CONFLICT:
            return Conflict(error.status, error.message)
        case _:
            return EngineRefused(error.status, error.message)


def _message_of(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace").strip()


def _pull_query(reference: str) -> dict[str, str]:
    """Say what to pull: a name without tag or digest would mean all tags of it."""
    last = reference.rpartition("/")[2]
    return {"fromImage": reference} if ":" in last or "@" in last else {"fromImage": reference, "tag": "latest"}
