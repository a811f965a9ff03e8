"""How work elsewhere is named."""

import pytest

from stationmaster.domains.executions.external.reference import (
    MOST_TASKS,
    Announced,
    TaskKind,
    TaskReference,
    read_reference,
)


@pytest.mark.parametrize("task_id", ["P3QX7ZB2M5KD4TLRWA6YCVNE", "projects/my-project/operations/P3QX", "a_b-c"])
def test_ids_and_names_of_operations_are_understood(task_id: str) -> None:
    assert TaskReference(TaskKind.EARTHENGINE, task_id) == read_reference("earthengine", task_id)


@pytest.mark.parametrize(
    ("kind", "task_id"),
    [
        ("earthengine", ""),
        ("earthengine", "a b"),
        ("earthengine", "../../v1/projects"),
        ("earthengine", "projects/p/operations/x:cancel"),
        ("earthengine", "projects/p/assets/x"),
        ("earthengine", "projects/p/operations/x?key=1"),
        ("earthengine", "x" * 129),
        ("earthengine", "x\n"),
        ("openeo", "x"),
    ],
)
def test_other_words_name_nothing(kind: str, task_id: str) -> None:
    assert read_reference(kind, task_id) is None


def test_tasks_are_handed_over_once_and_have_a_limit() -> None:
    announced = Announced()
    named = [TaskReference(TaskKind.EARTHENGINE, f"t{number}") for number in range(MOST_TASKS + 1)]
    taken = [announced.add(task) for task in named]

    assert [*[True] * MOST_TASKS, False] == taken
    assert announced.add(named[0])
    assert (MOST_TASKS, 0) == (len(announced.take()), len(announced.take()))
