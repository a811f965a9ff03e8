"""How a program names work that it began elsewhere."""

import re
from dataclasses import dataclass, field
from enum import StrEnum

LONGEST_ID = 255
MOST_TASKS = 1000
"""Tasks of one execution."""


class TaskKind(StrEnum):
    """Where the work goes on."""

    EARTHENGINE = "earthengine"


_ID = {TaskKind.EARTHENGINE: re.compile(r"(projects/[a-z][a-z0-9.:-]{0,99}/operations/)?[A-Za-z0-9_-]{1,128}")}
"""Earth Engine: the id of a task, or the name of its operation ("Method: projects.operations.cancel")."""


@dataclass(frozen=True, slots=True)
class TaskReference:
    """One piece of work elsewhere."""

    kind: TaskKind
    task_id: str


def read_reference(kind: str, task_id: str) -> TaskReference | None:
    """Return what these words name; None when there is no such kind, or it has no such ids."""
    try:
        known = TaskKind(kind)
    except ValueError:
        return None
    return TaskReference(known, task_id) if _ID[known].fullmatch(task_id) else None


@dataclass(slots=True)
class Announced:
    """The tasks that an attempt has told of: all of them, and those that nobody has stored yet."""

    _known: set[TaskReference] = field(default_factory=set)
    _new: list[TaskReference] = field(default_factory=list)

    def add(self, task: TaskReference) -> bool:
        """Note a task, once; False when there are too many."""
        if task in self._known:
            return True
        if len(self._known) >= MOST_TASKS:
            return False
        self._known.add(task)
        self._new.append(task)
        return True

    def take(self) -> tuple[TaskReference, ...]:
        """Hand over those that are to be stored."""
        new, self._new = self._new, []
        return tuple(new)
