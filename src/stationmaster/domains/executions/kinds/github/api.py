"""GitHub's REST API: one call, its limits, its conditional answers."""

import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from stationmaster.kit import clock
from stationmaster.outbound.guard import Blocked
from stationmaster.outbound.http import Answer, DispatchClient, NoAnswer

VERSION = "2022-11-28"
CALL_SECONDS = 20.0
MOST_BYTES = 4 * 1024 * 1024
MOST_REMEMBERED = 256
UNTOLD_SECONDS = 60.0
"""GitHub Docs, "Rate limits for the REST API": without a header wait at least a minute."""
LONGEST_MESSAGE = 300
_HEADERS = ("etag", "location", "retry-after", "x-ratelimit-remaining", "x-ratelimit-reset")


class Unreachable(Exception):
    """No answer that can be used. `is_unsent` says that the call certainly had no effect."""

    def __init__(self, text: str, *, is_unsent: bool = False) -> None:
        super().__init__(text)
        self.is_unsent = is_unsent


class RateLimited(Exception):
    """The token may not call for so many seconds; this call had no effect."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"GitHub's limit for this token is used up for {seconds:.0f} seconds.")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. `data` is its JSON, null where it has none."""

    status: int
    data: Any
    headers: Mapping[str, str]

    @property
    def message(self) -> str:
        """What GitHub says of a refusal, cut: it is somebody else's text."""
        said = self.data.get("message") if isinstance(self.data, dict) else None
        return said[:LONGEST_MESSAGE] if isinstance(said, str) else "it gives no reason"


@dataclass(slots=True)
class GithubApi:
    """Calls GitHub. Safe for any number of tasks; limits and conditional answers are shared by all that use a token."""

    client: DispatchClient
    url: str
    _open_at: dict[str, float] = field(default_factory=dict)
    _remembered: OrderedDict[tuple[str, str], tuple[str, Reply]] = field(default_factory=OrderedDict)

    async def get(self, path: str, *, token: str, query: Mapping[str, str | int] | None = None) -> Reply:
        """Read something; an unchanged answer costs nothing of the token's limit and comes from memory.

        Raises:
            Unreachable, RateLimited
        """
        address = f"{path}?{urlencode(query)}" if query else path
        key = (_name(token), address)
        etag, known = self._remembered.get(key, ("", None))
        reply = await self._call("GET", address, token=token, headers={"if-none-match": etag} if known else {})
        if reply.status == 304 and known:
            self._remembered.move_to_end(key)
            return known
        if reply.status == 200 and "etag" in reply.headers:
            self._remembered[key] = (reply.headers["etag"], reply)
            if len(self._remembered) > MOST_REMEMBERED:
                self._remembered.popitem(last=False)
        return reply

    async def post(self, path: str, body: Any = None, *, token: str) -> Reply:
        """Have something done.

        Raises:
            Unreachable, RateLimited
        """
        return await self._call("POST", path, token=token, body=json.dumps(body).encode() if body is not None else b"")

    async def download(self, path: str, *, token: str) -> tuple[str, bool] | None:
        """Read a text to which GitHub redirects, and whether it is longer; None when there is none.

        The token does not go along to where it leads.

        Raises:
            Unreachable, RateLimited
        """
        reply = await self._call("GET", path, token=token)
        if reply.status != 302 or "location" not in reply.headers:
            return None
        address = reply.headers["location"]
        try:
            answer = await self._send("GET", address, headers={}, body=None, most_bytes=MOST_BYTES)
        except Blocked as error:
            raise Unreachable(str(error)) from error
        return (answer.text, answer.is_truncated) if answer.status == 200 else None

    def check_limit(self, token: str) -> None:
        """Look whether a token may call now.

        Raises:
            RateLimited
        """
        left = self._open_at.get(_name(token), 0) - time.monotonic()
        if left > 0:
            raise RateLimited(left)

    async def _call(
        self,
        method: str,
        address: str,
        *,
        token: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Reply:
        self.check_limit(token)
        sent = {
            "authorization": f"Bearer {token}",
            "accept": "application/vnd.github+json",
            "x-github-api-version": VERSION,
            **({"content-type": "application/json"} if body is not None else {}),
            **(headers or {}),
        }
        answer = await self._send(method, self.url + address, headers=sent, body=body, most_bytes=MOST_BYTES)
        self._note_limit(token, answer)
        return Reply(answer.status, _read_json(answer), answer.headers)

    async def _send(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, most_bytes: int
    ) -> Answer:
        try:
            return await self.client.send(
                method, url, headers=headers, body=body, timeout_seconds=CALL_SECONDS,
                max_bytes=most_bytes, kept_headers=_HEADERS,
            )  # fmt: skip
        except NoAnswer as error:
            raise Unreachable(str(error), is_unsent=error.is_unsent) from error
        except TimeoutError as error:
            raise Unreachable(f"GitHub did not answer within {CALL_SECONDS:.0f} seconds.") from error

    def _note_limit(self, token: str, answer: Answer) -> None:
        """Shut the gate of a token as long as GitHub asks; a refusal for that reason had no effect.

        Raises:
            RateLimited: this very call was refused for it.
        """
        is_used_up = answer.headers.get("x-ratelimit-remaining") == "0"
        is_refused = answer.status == 429 or (answer.status == 403 and (is_used_up or "retry-after" in answer.headers))
        if not is_refused and not is_used_up:
            return
        seconds = _wait_of(answer.headers)
        self._open_at[_name(token)] = time.monotonic() + seconds
        if is_refused:
            raise RateLimited(seconds)


def _wait_of(headers: Mapping[str, str]) -> float:
    """Return the seconds to wait: Retry-After first, else the instant at which the limit begins anew."""
    if (text := headers.get("retry-after", "")).isdecimal():
        return float(text[:6])
    if (text := headers.get("x-ratelimit-reset", "")).isdecimal():
        return min(max(float(text[:12]) - clock.now().timestamp(), 1.0), 3700.0)
    return UNTOLD_SECONDS


def _read_json(answer: Answer) -> Any:
    try:
        return json.loads(answer.text) if answer.text and not answer.is_truncated else None
    except (ValueError, RecursionError):
        return None


def _name(token: str) -> str:
    """Name a token in memory without keeping it."""
    return hashlib.sha256(token.encode()).hexdigest()
