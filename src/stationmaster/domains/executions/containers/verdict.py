"""What the end of a container means."""

from typing import Any

from stationmaster.domains.executions.executor import Outcome
from stationmaster.domains.executions.states import Reason, State

KILLED = 137
"""128 + SIGKILL."""
ENDED_BY_OTHERS = frozenset({KILLED, 143, 255})
"""What a container ends with when its engine goes down: killed, ended by SIGTERM, or never looked after again."""
HINTS = {
    125: "the engine could not start it",
    126: "the command cannot be executed",
    127: "the command was not found",
    KILLED: "it was killed",
    139: "it crashed (SIGSEGV)",
    143: "it was ended by SIGTERM",
}
AWAY = "The Docker engine went away while the container ran; it did not end by itself."
LOST = "The container is gone, and with it the way it ended: nobody can know whether it did its work."


def judge(code: int, *, is_oom: bool, was_engine_away: bool, result: dict[str, Any] | None) -> Outcome:
    """Return what an exit code means.

    `is_oom` is true also when only a child was killed for want of memory; if the program went on, that is its own affair.
    """
    if code == 0:
        return Outcome(State.SUCCEEDED, result=result, code=code)
    if is_oom and code == KILLED:
        error = "The container needed more memory than it may have, and was killed."
        return Outcome(State.FAILED, Reason.OOM, error=error, result=result, code=code)
    if was_engine_away and code in ENDED_BY_OTHERS:
        return Outcome(State.FAILED, Reason.NETWORK_ERROR, error=AWAY, result=result)
    hint = f": {HINTS[code]}" if code in HINTS else ""
    return Outcome(
        State.FAILED, Reason.EXIT_CODE, error=f"The program ended with code {code}{hint}.", result=result, code=code
    )
