"""What is put into a container before it starts, and where its program finds it."""

import json
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from stationmaster.domains.executions.containers.work import (
    HOME,
    INPUTS,
    OUTPUTS,
    PARAMS_FILE,
    RESULT_FILE,
    STATE,
    STATE_FILE,
    ContainerWork,
)
from stationmaster.outbound.docker.archive import Member, pack

PRIVATE_FOLDER = 0o700
READABLE_FOLDER = 0o755
_FILES = {"PARAMS_FILE": PARAMS_FILE, "STATE_FILE": STATE_FILE, "RESULT_FILE": RESULT_FILE, "OUTPUT_DIR": OUTPUTS}


def own_variables(params: Mapping[str, Any], execution_id: UUID, *, has_files: bool) -> dict[str, str]:
    """Return the variables by which a program finds its parameters and, with files, where it may leave things."""
    variables = {
        "EXECUTION_ID": str(execution_id),
        "PARAMS": json.dumps(params, ensure_ascii=False, separators=(",", ":")),
    }
    return variables | (_FILES if has_files else {})


def make_workspace(work: ContainerWork, uid: int) -> bytes:
    """Pack the folders of a container and what is in them, as a tar file to be unpacked in `HOME`."""
    return pack(_members(work, uid))


def _members(work: ContainerWork, uid: int) -> Iterator[Member]:
    yield Member(_below(INPUTS), mode=READABLE_FOLDER)
    yield Member(_below(OUTPUTS), owner=uid, mode=PRIVATE_FOLDER)
    yield Member(_below(STATE), owner=uid, mode=PRIVATE_FOLDER)
    yield Member(_below(PARAMS_FILE), work.env.get("PARAMS", "{}").encode())
    for name, content in work.files.items():
        yield Member(f"{_below(INPUTS)}/{name}", content)
    if work.state is not None:
        content = json.dumps(work.state.found, ensure_ascii=False).encode()
        yield Member(_below(STATE_FILE), content, owner=uid, mode=0o600)


def _below(path: str) -> str:
    return str(PurePosixPath(path).relative_to(HOME))
