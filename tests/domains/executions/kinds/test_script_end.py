"""What the end of a sandbox means for the execution of a script."""

from typing import Any

import pytest

from stationmaster.domains.executions.journal import TrialJournal
from stationmaster.domains.executions.kinds.script import _judge
from stationmaster.domains.executions.states import Reason, State
from stationmaster.outbound.sandbox.order import Cause, SandboxEnd
from tests.domains.executions.kinds.calling import context


@pytest.mark.parametrize(
    ("cause", "code", "expected"),
    [
        (Cause.EXITED, 0, (State.SUCCEEDED, None)),
        (Cause.EXITED, 3, (State.FAILED, Reason.EXIT_CODE)),
        (Cause.SIGNALLED, 139, (State.FAILED, Reason.EXIT_CODE)),
        (Cause.TIMEOUT, None, (State.TIMED_OUT, Reason.TIMEOUT)),
        (Cause.MEMORY, None, (State.FAILED, Reason.OOM)),
        (Cause.CPU, None, (State.FAILED, Reason.LIMIT)),
        (Cause.FILE_SIZE, None, (State.FAILED, Reason.LIMIT)),
        (Cause.DISK, None, (State.FAILED, Reason.LIMIT)),
        (Cause.OUTPUT, None, (State.FAILED, Reason.LIMIT)),
        (Cause.NOT_STARTED, None, (State.FAILED, Reason.INTERNAL_ERROR)),
        (Cause.BLOCKED, None, (State.FAILED, Reason.BLOCKED)),
    ],
)
def test_each_cause_has_its_reason(cause: Cause, code: int | None, expected: tuple[State, Reason | None]) -> None:
    outcome = _judge(SandboxEnd(cause, code, "It is told."), context())

    assert (expected, code) == ((outcome.state, outcome.reason), outcome.code)
    assert outcome.error == (None if outcome.state is State.SUCCEEDED else "It is told.")
    assert outcome.is_final == (cause in {Cause.NOT_STARTED, Cause.BLOCKED})


@pytest.mark.parametrize(
    ("reported", "written", "expected"),
    [(None, None, None), (None, {"a": 1}, {"a": 1}), (None, [1], {"value": [1]}), ({"b": 2}, {"a": 1}, {"b": 2})],
)
def test_a_reported_result_comes_before_a_written_one(reported: Any, written: Any, expected: Any) -> None:
    journal = TrialJournal()
    journal.result = reported

    outcome = _judge(SandboxEnd(Cause.EXITED, 0, "", result=written), context(journal=journal))

    assert expected == outcome.result
