"""Where a run finds its folders and files, and the variables that tell it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from stationmaster.outbound.sandbox.order import LONGEST_VARIABLE_BYTES, SandboxOrder

SEARCH_PATH = "/usr/local/bin:/usr/bin:/bin"
WORK, SCRIPT, INPUT, COLLECTED = "work", "script", "input", "collected"
PARAMS_FILE, STATE_FILE, RESULT_FILE, OUTPUT_FOLDER = "params.json", "state.json", "result.json", "output"


@dataclass(frozen=True, slots=True)
class Paths:
    """The folders as the run sees them: `/work`, `/script`, `/input` inside bubblewrap, real ones without it."""

    work: PurePosixPath
    script: PurePosixPath
    input: PurePosixPath
    temporary: PurePosixPath


INSIDE = Paths(
    PurePosixPath("/work"), PurePosixPath("/script"), PurePosixPath("/input"), PurePosixPath("/tmp")  # noqa: S108
)  # fmt: skip


def outside(folder: Path) -> Paths:
    """Return the folders of a run that has no root of its own."""
    work = PurePosixPath(folder / WORK)
    return Paths(work, PurePosixPath(folder / SCRIPT), PurePosixPath(folder / INPUT), work)


def environment_of(order: SandboxOrder, paths: Paths) -> Mapping[str, str]:
    """Return all that the run finds in its environment."""
    params = json.dumps(order.params, ensure_ascii=False)
    fits = len(params.encode()) <= LONGEST_VARIABLE_BYTES
    return {
        **order.environment,
        "PATH": SEARCH_PATH,
        "HOME": str(paths.work),
        "LANG": "C.UTF-8",
        "TMPDIR": str(paths.temporary),
        "PYTHONUNBUFFERED": "1",  # or its lines would come in blocks of 8 kB
        **({"PARAMS": params} if fits else {}),
        "PARAMS_FILE": str(paths.work / PARAMS_FILE),
        "STATE_FILE": str(paths.work / STATE_FILE),
        "RESULT_FILE": str(paths.work / RESULT_FILE),
        "OUTPUT_DIR": str(paths.work / OUTPUT_FOLDER),
        "INPUT_DIR": str(paths.input),
        "SCRIPT_DIR": str(paths.script),
    }
