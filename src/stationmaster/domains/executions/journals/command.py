"""The protocol by which a script tells more than text on its standard output: lines that begin with `::`.

`::progress 42.5` or `::progress 3/20`, `::stage name`, `::result {json}`, `::warning text`, `::mask value`,
`::external earthengine TASK_ID`. Whatever is not understood is a line of output, never a failure.
"""

import json
from dataclasses import dataclass
from typing import Any

from stationmaster.domains.executions.external.reference import TaskReference, read_reference
from stationmaster.kit.progress import read_percent
from stationmaster.web.json_values import check_json

PREFIX = "::"
MAX_STAGE = 255
MAX_RESULT = 65_536
"""Characters of a reported result."""


@dataclass(frozen=True, slots=True)
class Progress:
    percent: float


@dataclass(frozen=True, slots=True)
class Stage:
    name: str


@dataclass(frozen=True, slots=True)
class Result:
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Warn:
    text: str


@dataclass(frozen=True, slots=True)
class Hide:
    secret: str


@dataclass(frozen=True, slots=True)
class External:
    task: TaskReference


Command = Progress | Stage | Result | Warn | Hide | External


def parse(line: str) -> Command | None:
    """Read a line that begins with `::`; None when it is output like any other."""
    word, _, rest = line.removeprefix(PREFIX).partition(" ")
    rest = rest.strip()
    reader = _READERS.get(word)
    return reader(rest) if reader and rest else None


def _read_progress(text: str) -> Progress | None:
    percent = read_percent(text)
    return None if percent is None else Progress(percent)


def _read_stage(text: str) -> Stage | None:
    return Stage(text) if len(text) <= MAX_STAGE and text.isprintable() else None


def _read_result(text: str) -> Result | None:
    try:
        document = check_json(json.loads(text)) if len(text) <= MAX_RESULT else None
    except (ValueError, RecursionError):
        return None
    return Result(document) if isinstance(document, dict) else None


def _read_warning(text: str) -> Warn | None:
    return Warn(text)


def _read_mask(text: str) -> Hide | None:
    return Hide(text)


def _read_external(text: str) -> External | None:
    kind, _, task_id = text.partition(" ")
    task = read_reference(kind, task_id.strip())
    return External(task) if task else None


_READERS = {
    "progress": _read_progress,
    "stage": _read_stage,
    "result": _read_result,
    "warning": _read_warning,
    "mask": _read_mask,
    "external": _read_external,
}
