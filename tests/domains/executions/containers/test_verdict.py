"""What the end of a container means."""

import pytest

from stationmaster.domains.executions.containers.verdict import judge
from stationmaster.domains.executions.states import Reason, State


@pytest.mark.parametrize(
    ("code", "is_oom", "was_away", "expected"),
    [
        (0, False, False, (State.SUCCEEDED, None, 0)),
        (0, True, False, (State.SUCCEEDED, None, 0)),
        (0, False, True, (State.SUCCEEDED, None, 0)),
        (1, False, False, (State.FAILED, Reason.EXIT_CODE, 1)),
        (1, True, False, (State.FAILED, Reason.EXIT_CODE, 1)),
        (1, False, True, (State.FAILED, Reason.EXIT_CODE, 1)),
        (137, True, False, (State.FAILED, Reason.OOM, 137)),
        (137, True, True, (State.FAILED, Reason.OOM, 137)),
        (137, False, False, (State.FAILED, Reason.EXIT_CODE, 137)),
        (137, False, True, (State.FAILED, Reason.NETWORK_ERROR, None)),
        (143, False, True, (State.FAILED, Reason.NETWORK_ERROR, None)),
        (255, False, True, (State.FAILED, Reason.NETWORK_ERROR, None)),
    ],
)
def test_an_exit_is_judged(
    code: int, is_oom: bool, was_away: bool, expected: tuple[State, Reason | None, int | None]
) -> None:
    outcome = judge(code, is_oom=is_oom, was_engine_away=was_away, result={"a": 1})

    assert (*expected, {"a": 1}) == (outcome.state, outcome.reason, outcome.code, outcome.result)


@pytest.mark.parametrize(("code", "words"), [(127, "not found"), (139, "SIGSEGV"), (3, "code 3.")])
def test_a_failure_says_what_its_code_means(code: int, words: str) -> None:
    assert words in str(judge(code, is_oom=False, was_engine_away=False, result=None).error)
