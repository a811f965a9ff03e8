"""Where the engine is: a socket of this machine, or TCP with client certificates."""

import os
import ssl
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

SOCKETS = ("/run/docker.sock", "/var/run/docker.sock")
REACHABLE = ("unix:///", "tcp://", "http://", "https://")
CONNECT_SECONDS = 5
UNLIMITED = 0
"""Every running container holds one connection, for its log."""


def find_address(url: str) -> str:
    """Return the engine's address: as set, else DOCKER_HOST where that can be reached from here, else the usual socket."""
    named = url or os.environ.get("DOCKER_HOST", "")
    if url or named.startswith(REACHABLE):
        return named
    return f"unix://{next((path for path in SOCKETS if Path(path).is_socket()), SOCKETS[-1])}"


def make_connector(address: str, certificates: Path | None) -> tuple[str, aiohttp.BaseConnector]:
    """Return the base of all URLs, and what connects to it.

    Raises:
        ValueError: the address is none that the engine can have, or the certificates cannot be read.
    """
    parts = urlsplit(address)
    if parts.scheme == "unix" and parts.path:
        return "unix://localhost", aiohttp.UnixConnector(path=parts.path, limit=UNLIMITED)
    if parts.scheme not in {"tcp", "http", "https"} or not parts.netloc:
        raise ValueError(f"{address!r} is no address of a Docker engine: use unix:///PATH or tcp://HOST:PORT")
    if certificates is None and parts.scheme != "https":
        return f"http://{parts.netloc}", aiohttp.TCPConnector(limit=UNLIMITED)
    return f"https://{parts.netloc}", aiohttp.TCPConnector(limit=UNLIMITED, ssl=_make_tls(certificates))


def _make_tls(certificates: Path | None) -> ssl.SSLContext:
    if certificates is None:
        return ssl.create_default_context()
    try:
        context = ssl.create_default_context(cafile=str(certificates / "ca.pem"))
        context.load_cert_chain(certfile=str(certificates / "cert.pem"), keyfile=str(certificates / "key.pem"))
    except OSError as error:
        raise ValueError(f"{certificates} has no usable ca.pem, cert.pem and key.pem: {error}") from error
    return context
