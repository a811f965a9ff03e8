"""Where runs and step runs stand, the moves between, and the rule by which a run's status follows from its steps."""

from enum import StrEnum


class RunStatus(StrEnum):
    """Where a run stands."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StepStatus(StrEnum):
    """Where a step run stands."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELLED = "cancelled"
    OPTIONAL = "optional"
    """Not needed this time, as far as is known; it may still be done."""
    SKIPPED = "skipped"


class SkipReason(StrEnum):
    """Why a step was skipped by the workflow."""

    CONDITION = "condition"
    """Its condition did not hold."""
    DEPENDENCY = "dependency"
    """A step that it waits for failed."""
    ENOUGH_FAILED = "enough_failed"
    """So many items of the list had failed that the others were not begun."""


ENDED_RUNS = frozenset({RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED})

_S = StepStatus
MOVES: dict[StepStatus, frozenset[StepStatus]] = {
    _S.PENDING: frozenset(_S) - {_S.PENDING},
    _S.RUNNING: frozenset({_S.PENDING, _S.SUCCESS, _S.FAILED, _S.CANCELLED, _S.OPTIONAL, _S.SKIPPED}),
    _S.OPTIONAL: frozenset(_S) - {_S.OPTIONAL},
    _S.SUCCESS: frozenset(),
    _S.FAILED: frozenset(),
    _S.CANCELLED: frozenset(),
    _S.SKIPPED: frozenset(),
}
"""From each status of a step run, those that may be reported next. What has ended is done again only by a rerun."""

ENDED = frozenset(status for status, following in MOVES.items() if not following)
DONE = frozenset({_S.SUCCESS, _S.OPTIONAL, _S.SKIPPED})
"""What holds nothing up."""
