"""A curl command line as a webhook."""

import base64
import json
import shlex
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from stationmaster.domains.jobs.transfer.movers.moved import CannotMove, Moved

SECRET_HEADERS = ("authorization", "cookie", "proxy-authorization", "x-api-key")
_WITH_VALUE = {
    "-X": "method", "--request": "method", "-H": "header", "--header": "header", "-d": "data", "--data": "data",
    "--data-raw": "data", "--data-binary": "data", "--data-ascii": "data", "--json": "json", "-u": "user", "--user": "user",
    "-A": "agent", "--user-agent": "agent", "-e": "referer", "--referer": "referer", "-b": "cookie", "--cookie": "cookie",
    "-m": "timeout", "--max-time": "timeout", "--url": "url", "--oauth2-bearer": "bearer", "--retry": "retry",
    "-o": "ignored", "--output": "ignored", "--connect-timeout": "ignored", "-w": "ignored", "--write-out": "ignored",
    "--retry-delay": "ignored", "--retry-max-time": "ignored",
}  # fmt: skip
_LONG_FLAGS = {"--location": "L", "--insecure": "k", "--head": "I", "--get": "G"}
_SILENT = frozenset(
    {"--silent", "--show-error", "--fail", "--fail-with-body", "--verbose", "--include", "--compressed", "--globoff"}
    | {"-#", "--progress-bar", "--retry-connrefused", "--retry-all-errors"}
)
_LETTERS = frozenset("sSfvigLkIG")
"""Options of one letter without a value, which may stand together: `-fsS`."""
_SHORTEST_ATTACHED = 3


@dataclass
class _Call:
    url: str | None = None
    method: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    data: list[str] = field(default_factory=list)
    timeout_seconds: float | None = None
    attempts: int = 1
    is_get: bool = False
    notes: list[str] = field(default_factory=list)


def move_curl(text: str, *, name: str | None = None) -> Moved:
    """Read one command line.

    Raises:
        CannotMove: it is not a curl command, or cannot be read.
    """
    try:
        words = shlex.split(text.replace("\\\r\n", " ").replace("\\\n", " "))
    except ValueError as error:
        raise CannotMove(f"the command line cannot be read: {error}") from error
    if not words or words[0].rsplit("/", 1)[-1] != "curl":
        raise CannotMove("the text is not a curl command")
    call = _read(words[1:])
    if call.url is None:
        raise CannotMove("the command names no address")
    target = _describe(call, call.url)
    job: dict[str, Any] = {"name": name or urlsplit(target["url"]).hostname or "curl", "target": target}
    if call.attempts > 1:
        job["retry"] = {"max_attempts": min(call.attempts, 100)}
    return Moved([job], call.notes)


def _read(words: list[str]) -> _Call:
    call, position = _Call(), 0
    while position < len(words):
        word = words[position]
        option, value, used = _split(words, position)
        position += used
        if option is None:
            call.url = call.url or word
        elif value is None:
            _take_flags(call, option)
        else:
            _take(call, _WITH_VALUE[option], value)
    return call


def _split(words: list[str], position: int) -> tuple[str | None, str | None, int]:
    """Return the option at a place, its value if it takes one, and how many words both are."""
    word = words[position]
    if not word.startswith("-") or word == "-":
        return None, None, 1
    name, equals, attached = word.partition("=")
    if equals and name in _WITH_VALUE:
        return name, attached, 1
    if word in _WITH_VALUE:
        if position + 1 >= len(words):
            raise CannotMove(f"the option {word} has no value")
        return word, words[position + 1], 2
    if not word.startswith("--") and len(word) >= _SHORTEST_ATTACHED and word[:2] in _WITH_VALUE:
        return word[:2], word[2:], 1
    return word, None, 1


def _take_flags(call: _Call, option: str) -> None:
    if option in _SILENT:
        return
    letters = _LONG_FLAGS.get(option, "" if option.startswith("--") else option[1:])
    if not letters or not set(letters) <= _LETTERS:
        raise CannotMove(f"the option {option[:60]} is not carried over")
    if "L" in letters:
        call.notes.append("Redirects are not followed here: give the address that they lead to.")
    if "k" in letters:
        call.notes.append("Certificates are always checked here: --insecure is left out.")
    if "I" in letters:
        call.method = "HEAD"
    if "G" in letters:
        call.is_get = True


def _take(call: _Call, meaning: str, value: str) -> None:
    match meaning:
        case "header":
            header, _, content = value.partition(":")
            call.headers[header.strip()] = content.strip()
        case "data" | "json":
            _take_data(call, value, is_json=meaning == "json")
        case "user":
            call.headers["Authorization"] = f"Basic {base64.b64encode(value.encode()).decode()}"
        case "bearer":
            call.headers["Authorization"] = f"Bearer {value}"
        case "agent" | "referer" | "cookie":
            call.headers[{"agent": "User-Agent", "referer": "Referer", "cookie": "Cookie"}[meaning]] = value
        case "timeout" | "retry":
            _take_number(call, meaning, value)
        case "method":
            call.method = value.upper()
        case "url":
            call.url = value


def _take_number(call: _Call, meaning: str, value: str) -> None:
    try:
        number = float(value)
    except ValueError as error:
        raise CannotMove(f"{value[:60]!r} is not a number") from error
    if not 0 <= number <= 1_000_000:
        raise CannotMove(f"{value[:60]!r} is not a number that can be carried over")
    if meaning == "timeout":
        call.timeout_seconds = number or None
    else:
        call.attempts = int(number) + 1


def _take_data(call: _Call, value: str, *, is_json: bool) -> None:
    if value.startswith("@"):
        raise CannotMove(f"the body is read from a file ({value[:60]}): put its content in")
    call.data.append(value)
    if is_json:
        call.headers.setdefault("Content-Type", "application/json")


def _describe(call: _Call, url: str) -> dict[str, Any]:
    url = url if "://" in url else f"http://{url}"
    data = "&".join(call.data)
    if call.is_get and data:
        url, data = f"{url}{'&' if '?' in url else '?'}{data}", ""
    target: dict[str, Any] = {"type": "webhook", "url": url, "method": call.method or ("POST" if data else "GET")}
    if data:
        target["body"] = _read_body(call, data)
    plain = {name: value for name, value in call.headers.items() if name.lower() not in SECRET_HEADERS}
    secret = {name: value for name, value in call.headers.items() if name.lower() in SECRET_HEADERS}
    target |= ({"headers": plain} if plain else {}) | ({"secret_headers": secret} if secret else {})
    if call.timeout_seconds:
        target["timeout_seconds"] = min(call.timeout_seconds, 3600)
    if secret:
        call.notes.append(f"{', '.join(secret)}: will be stored sealed, and stands in this document in the clear.")
    return target


def _read_body(call: _Call, data: str) -> Any:
    """Return the body as JSON where it says so, and as text otherwise."""
    content_type = next((value for name, value in call.headers.items() if name.lower() == "content-type"), None)
    if content_type is None:
        call.headers["Content-Type"] = "application/x-www-form-urlencoded"
        return data
    if "json" not in content_type.lower():
        return data
    try:
        return json.loads(data)
    except ValueError:
        return data
