"""The service, as a client sees it: an address, a key, and refusals in words."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from httpx import Response

from stationmaster.entrypoints.cli.terminal import MISUSED, Refusal

API = "/api/v1"
TIMEOUT_SECONDS = 60
UNAUTHENTICATED = 401
NOT_FOUND = 404
REFUSED = 400


class Station:
    """Calls the API; what it refuses becomes a refusal of the command."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def find(self, path: str, **params: Any) -> dict[str, Any] | None:
        """Return what is at a path, None when there is nothing."""
        answer = self._send("GET", path, params=params)
        return None if answer.status_code == NOT_FOUND else _read(answer)

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        """Return what is at a path."""
        return _read(self._send("GET", path, params=params))

    def post(self, path: str, **request: Any) -> dict[str, Any]:
        """Send something to a path and return the answer."""
        return _read(self._send("POST", path, **request))

    def upload(self, path: Path) -> str:
        """Upload a file and return its id."""
        try:
            with path.open("rb") as file:
                return str(self.post("/files", files={"file": (path.name, file)})["id"])
        except OSError as error:
            raise Refusal(f"{path}: {error.strerror}.", exit_code=MISUSED) from error

    def _send(self, method: str, path: str, **request: Any) -> Response:
        try:
            return self._client.request(method, f"{API}{path}", **request)
        except httpx.TransportError as error:
            raise Refusal(f"{self._client.base_url} does not answer: {error}") from error


@contextmanager
def open_station(url: str, key: str) -> Iterator[Station]:
    """Open a client of the service at an address.

    Raises:
        Refusal: the address is none, or there is no key.
    """
    if not key:
        raise Refusal("Give an API key: --key, or STATIONMASTER_API_KEY.", exit_code=MISUSED)
    if not url.startswith(("http://", "https://")):
        raise Refusal("Give the address of the service: --url, or STATIONMASTER_URL.", exit_code=MISUSED)
    with httpx.Client(base_url=url.rstrip("/"), headers={"X-API-Key": key}, timeout=TIMEOUT_SECONDS) as client:
        yield Station(client)


def _read(answer: Response) -> dict[str, Any]:
    try:
        body: dict[str, Any] = answer.json()
    except ValueError as error:
        raise Refusal(f"{answer.url} is no Stationmaster: it answered {answer.status_code}.") from error
    if answer.status_code >= REFUSED:
        raise Refusal(_describe(answer.status_code, body))
    return body


def _describe(status: int, problem: dict[str, Any]) -> str:
    errors = problem.get("errors") or []
    lines = [f"{(each.get('pointer') or each.get('parameter') or '').strip('/')}: {each['detail']}" for each in errors]
    hint = " Is the API key right?" if status == UNAUTHENTICATED else ""
    detail = problem.get("detail", f"It was refused with {status}.")
    return "\n".join([f"{detail}{hint}", *(line.removeprefix(": ") for line in lines)])
