"""What is to be run in a sandbox, and how it ended: words only."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Any, Literal, Protocol

MIB = 1024 * 1024
Stream = Literal["stdout", "stderr"]

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,99}\Z")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}\Z")
LONGEST_VARIABLE_BYTES = 100_000
"""Linux takes 128 KiB for one string (execve(2), MAX_ARG_STRLEN)."""


class Journal(Protocol):
    """Takes what a run writes, in order. Not coming back holds the run up: it waits in its next write."""

    async def write(self, stream: Stream, data: bytes, /) -> None:
        """Take some bytes; a line may come in several pieces."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may use. Memory and CPU time count for all its processes together, file size for each file."""

    wall_seconds: float = 300
    cpu_seconds: int = 300
    memory_bytes: int = 512 * MIB
    processes: int = 64
    file_bytes: int = 512 * MIB
    disk_bytes: int = 1024 * MIB
    output_bytes: int = 1024 * MIB
    cpus: float | None = None
    """How many processors at once; enforced by a control group only."""


@dataclass(frozen=True, slots=True)
class SandboxOrder:
    """One run.

    `script` and `input` are files by relative name, copied into folders that the run can only read. `environment` is all
    that it sees beside the variables of `environment.basics`. `outputs` are patterns (`*.csv`, `maps/*`) under its
    output folder; only what they name is collected.

    Raises:
        ValueError: a name that is none, or that leaves its folder.
    """

    name: str
    command: tuple[str, ...]
    script: Mapping[str, bytes | Path] = field(default_factory=dict)
    input: Mapping[str, bytes | Path] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    state: Any = None
    outputs: tuple[str, ...] = ()
    limits: Limits = Limits()
    has_network: bool = False

    def __post_init__(self) -> None:
        if not _NAME.match(self.name):
            raise ValueError(f"{self.name!r} is no name for a run")
        if not self.command or any("\0" in word for word in self.command):
            raise ValueError("a command has at least one word, and no NUL")
        for name in (*self.script, *self.input):
            check_file_name(name)
        for name, value in self.environment.items():
            check_variable(name, value)


class Cause(StrEnum):
    """Why a run ended."""

    EXITED = "exited"
    """By itself; the exit code tells the rest."""
    SIGNALLED = "signalled"
    """By a signal that was not ours, a crash for example."""
    TIMEOUT = "timeout"
    CPU = "cpu"
    MEMORY = "memory"
    FILE_SIZE = "file_size"
    DISK = "disk"
    OUTPUT = "output"
    NOT_STARTED = "not_started"
    """The sandbox could not be made: no fault of the script's."""
    BLOCKED = "blocked"
    """It wants what is not granted here: nothing was started."""


@dataclass(frozen=True, slots=True)
class Output:
    """A collected file. `path` is a regular file that the run can reach no more; it lasts as long as the end's context."""

    name: str
    path: Path
    size_bytes: int


@dataclass(frozen=True, slots=True)
class SandboxEnd:
    """How a run ended. `text` is a sentence for people. `notes` say what was left out of outputs, result and state.

    `exit_code` is as shells show it: 128+n after signal n; null when we ended it. `result` and `state` are the documents of
    RESULT_FILE and STATE_FILE, null when there are none.
    """

    cause: Cause
    exit_code: int | None
    text: str
    result: Any = None
    state: Any = None
    outputs: tuple[Output, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_success(self) -> bool:
        return self.cause is Cause.EXITED and self.exit_code == 0


def check_file_name(name: str) -> None:
    """Refuse a name that is not a plain relative path.

    Raises:
        ValueError: says why.
    """
    path = PurePosixPath(name)
    if not name or "\0" in name or path.is_absolute() or ".." in path.parts or path == PurePosixPath():
        raise ValueError(f"{name!r} is no relative file name")


def check_variable(name: str, value: str) -> None:
    """Refuse what cannot be a variable of the environment, or is one of ours.

    Raises:
        ValueError: says why.
    """
    if not _VARIABLE.match(name):
        raise ValueError(f"{name!r} is no name for a variable")
    if name in RESERVED:
        raise ValueError(f"{name} is set by the service")
    if "\0" in value or len(value.encode(errors="surrogateescape")) > LONGEST_VARIABLE_BYTES:
        raise ValueError(f"the value of {name} has a NUL, or more than {LONGEST_VARIABLE_BYTES} bytes")


RESERVED = frozenset(
    {
        "PATH", "HOME", "LANG", "TMPDIR", "PWD", "PYTHONUNBUFFERED", "PARAMS", "PARAMS_FILE", "STATE_FILE", "RESULT_FILE",
        "OUTPUT_DIR", "INPUT_DIR", "SCRIPT_DIR",
    }
)  # fmt: skip
"""Variables that every run has."""
