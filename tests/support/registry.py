"""A private registry with one image: as much of the distribution specification as a pull needs.

The engine of the tests lives in a network namespace of its own and takes plain HTTP on its loopback; so the registry
listens there, though it is served by the loop of the tests.
"""

import asyncio
import ctypes
import gzip
import hashlib
import io
import json
import os
import platform
import socket
import tarfile
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from tests.support.docker import BUSYBOX, DockerServer

REPOSITORY = "team/tool"
CLONE_NEWNET = 0x40000000
TYPES = "application/vnd.docker"
MANIFEST_TYPE = f"{TYPES}.distribution.manifest.v2+json"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass
class Registry:
    """The running registry: who gets in by `user:password`, by name alone or by a token that the name buys."""

    login: str
    has_tokens: bool
    port: int = 0
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifest: bytes = b""
    mark: str = ""
    tokens_given: int = 0
    refused: int = 0

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def image(self) -> str:
        return f"{self.host}/{REPOSITORY}:1"

    def keep_image(self, mark: str) -> None:
        """Keep an image of busybox alone, with a file `/mark` that makes it one of its own."""
        self.mark = mark
        layer = _pack({"bin/busybox": BUSYBOX.read_bytes(), "mark": f"{mark}\n".encode()}, links={"bin/sh": "busybox"})
        facts = {"architecture": ARCHITECTURES[platform.machine()], "os": "linux", "config": {}}
        config = json.dumps({**facts, "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]}}).encode()
        parts = {"config": ("container.image.v1+json", config)}
        parts["layer"] = ("image.rootfs.diff.tar.gzip", gzip.compress(layer))
        self.blobs = {_digest(content): content for _, content in parts.values()}
        described = {name: _describe(f"{TYPES}.{kind}", content) for name, (kind, content) in parts.items()}
        document = {"config": described["config"], "layers": [described["layer"]]}
        self.manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST_TYPE, **document}).encode()

    async def answer(self, request: web.BaseRequest) -> web.Response:
        if request.path == "/token":
            return self._give_token(request)
        if not self._lets_in(request.headers.get("Authorization", "")):
            self.refused += 1
            return web.Response(status=401, headers={"WWW-Authenticate": self._challenge})
        kind, _, name = request.path.removeprefix(f"/v2/{REPOSITORY}/").partition("/")
        if kind == "manifests" and name in {"1", _digest(self.manifest)}:
            headers = {"Content-Type": MANIFEST_TYPE, "Docker-Content-Digest": _digest(self.manifest)}
            return web.Response(body=self.manifest, headers=headers)
        if kind == "blobs" and name in self.blobs:
            return web.Response(body=self.blobs[name])
        return web.Response(status=200 if request.path == "/v2/" else 404)

    @property
    def _challenge(self) -> str:
        return f'Bearer realm="http://{self.host}/token",service="tests"' if self.has_tokens else 'Basic realm="tests"'

    @property
    def _basic(self) -> str:
        return f"Basic {b64encode(self.login.encode()).decode()}"

    def _lets_in(self, authorization: str) -> bool:
        return authorization == ("Bearer a-token-of-the-registry" if self.has_tokens else self._basic)

    def _give_token(self, request: web.BaseRequest) -> web.Response:
        if request.headers.get("Authorization") != self._basic:
            self.refused += 1
            return web.Response(status=401)
        self.tokens_given += 1
        return web.json_response({"token": "a-token-of-the-registry"})


@asynccontextmanager
async def open_registry(server: DockerServer, *, login: str, has_tokens: bool) -> AsyncIterator[Registry]:
    """Serve on the loopback of an engine, as long as the context lasts."""
    registry = Registry(login, has_tokens)
    assert server.process is not None
    listener = await asyncio.to_thread(_listen_beside, server.process.pid)
    registry.port = listener.getsockname()[1]
    runner = web.ServerRunner(web.Server(registry.answer))
    await runner.setup()
    await web.SockSite(runner, listener).start()
    try:
        yield registry
    finally:
        await runner.cleanup()


def _listen_beside(pid: int) -> socket.socket:
    """Listen in the network namespace of a process: a socket stays where it was made."""
    libc = ctypes.CDLL(None, use_errno=True)
    own, theirs = (os.open(f"/proc/{name}/ns/net", os.O_RDONLY) for name in ("thread-self", pid))
    try:
        assert libc.setns(theirs, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        try:
            return socket.create_server(("127.0.0.1", 0))
        finally:
            assert libc.setns(own, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
    finally:
        os.close(own)
        os.close(theirs)


def _pack(files: dict[str, bytes], links: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o755
            archive.addfile(member, io.BytesIO(content))
        for name, aim in links.items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, aim
            archive.addfile(member)
    return buffer.getvalue()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _describe(media_type: str, content: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "size": len(content), "digest": _digest(content)}
