"""What is written as `name=value`: text or JSON, as the script declares it; `name=@file` uploads the file."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from stationmaster.entrypoints.cli.script.station import Station
from stationmaster.entrypoints.cli.terminal import MISUSED, Refusal


def read_values(station: Station, parameters: Mapping[str, Any], texts: Iterable[str]) -> dict[str, Any]:
    """Return the values; a list may be given one by one.

    Raises:
        Refusal: one is not written as `name=value`.
    """
    values: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise Refusal(f"{text!r}: write name=value.", exit_code=MISUSED)
        declared = parameters.get("properties", {}).get(name, {})
        if declared.get("type") == "array" and not value.startswith("["):
            values.setdefault(name, []).append(_read(station, declared.get("items", {}), value))
        else:
            values[name] = _read(station, declared, value)
    return values


def _read(station: Station, declared: Mapping[str, Any], text: str) -> Any:
    if declared.get("format") == "file" and text.startswith("@"):
        return station.upload(Path(text[1:]))
    if declared.get("type") == "string":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
