"""Steps between a log call and its line."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from structlog.typing import EventDict, WrappedLogger

from stationmaster.kit.masking import names_a_secret

MASK = "***"
MAX_DEPTH = 8

# C0, DEL and C1 controls end lines and drive terminals; the bidirectional controls reorder what a reader sees.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_CONTROL_IN_TRACEBACK = re.compile(r"(?!\n)" + _CONTROL.pattern)


def redact_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Mask the values of facts that are named like secrets, at any depth."""
    return _redact(event, 0)


def escape_controls(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Write control characters as `\\xNN`, so that no value can forge a line or drive a terminal."""
    exception = event.pop("exception", None)
    escaped: EventDict = {_escape(key): _map_text(value, _escape, 0) for key, value in event.items()}
    if exception is not None:
        escaped["exception"] = _CONTROL_IN_TRACEBACK.sub(_spell, str(exception))
    return escaped


def _redact(facts: Mapping[str, Any], depth: int) -> dict[str, Any]:
    return {key: MASK if names_a_secret(str(key)) else _redact_value(value, depth) for key, value in facts.items()}


def _redact_value(value: Any, depth: int) -> Any:
    if not isinstance(value, Mapping | list | tuple):
        return value
    if depth >= MAX_DEPTH:
        return MASK
    if isinstance(value, Mapping):
        return _redact(value, depth + 1)
    return [_redact_value(item, depth + 1) for item in value]


def _map_text(value: Any, change: Callable[[str], str], depth: int) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping) and depth < MAX_DEPTH:
        return {change(str(key)): _map_text(item, change, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple) and depth < MAX_DEPTH:
        return [_map_text(item, change, depth + 1) for item in value]
    return value if isinstance(value, int | float | None) else change(str(value))


def _escape(text: str) -> str:
    return _CONTROL.sub(_spell, text)


def _spell(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
