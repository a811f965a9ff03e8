"""What becomes of what a run leaves in its state file."""

from typing import Any

import pytest

from stationmaster.domains.executions.state_file import StateFile, mark_of
from stationmaster.kit.ids import new_id
from tests.support.containers import NotedStates


async def open_file(states: NotedStates) -> StateFile:
    opened = await StateFile.open(states, new_id(), new_id())
    assert opened is not None
    return opened


async def test_what_runs_for_no_job_has_none() -> None:
    assert None is await StateFile.open(NotedStates(), None, new_id())


async def test_a_new_state_is_left_for_its_job_and_execution() -> None:
    states = NotedStates({"a": 1})
    file = await open_file(states)

    assert ({"a": 1}, None) == (file.found, await file.leave({"a": 2}))
    assert [(file.job_id, file.execution_id, {"a": 2})] == states.left


async def test_an_unchanged_one_is_not_written_again() -> None:
    states = NotedStates({"a": 1})

    assert (None, []) == (await (await open_file(states)).leave({"a": 1}), states.left)


@pytest.mark.parametrize(
    ("left", "words"),
    [
        ([1], "a JSON object"),
        ("text", "a JSON object"),
        ({"a": float("nan")}, "NaN"),
        ({"a": "\x00"}, "NUL"),
        ({"a": 2**64}, "64 bits"),
    ],
)
async def test_what_cannot_be_kept_is_refused_in_words(left: Any, words: str) -> None:
    states = NotedStates()

    assert words in str(await (await open_file(states)).leave(left))
    assert [] == states.left


async def test_equal_states_have_one_mark() -> None:
    one, other = await open_file(NotedStates({"a": 1, "b": 2})), await open_file(NotedStates({"b": 2, "a": 1}))

    assert one.mark == other.mark == mark_of({"a": 1, "b": 2})
    assert mark_of({"a": 1}) != mark_of({"a": True})


async def test_the_word_of_the_keeper_is_passed_on() -> None:
    assert "too much" == await (await open_file(NotedStates(refusal="too much"))).leave({"a": 1})
