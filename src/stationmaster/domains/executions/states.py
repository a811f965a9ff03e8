"""The states of an execution and the only moves between them."""

from enum import StrEnum


class State(StrEnum):
    """Where an execution stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    LOST = "lost"


class Reason(StrEnum):
    """Why an execution ended as it did, did not run, or waits."""

    OVERLAP = "overlap"
    """Another execution with the same overlap key was under way (or its queue was full)."""
    TOO_LATE = "too_late"
    """The slot was noticed later than the job's `max_lateness_seconds`, or the job does not make up missed slots."""
    MERGED = "merged"
    """Missed slots that one later run stands for."""
    PAUSED = "paused"
    """The job was paused at that time."""
    EXPIRED = "expired"
    """Its time was over before it could run."""
    DEPENDENCY = "dependency"
    """What it depends on did not end as it must."""
    TIMEOUT = "timeout"
    NETWORK_ERROR = "network_error"
    RATE_LIMIT = "rate_limit"
    SERVER_ERROR = "server_error"
    CLIENT_ERROR = "client_error"
    BLOCKED = "blocked"
    """The target's address is one that may not be called, or it wants what is not granted here."""
    EXIT_CODE = "exit_code"
    """The program ended with a code that is not success."""
    OOM = "oom"
    """The program was ended because it needed more memory than it may have."""
    LIMIT = "limit"
    """The program used more of something than it may: processor time, disk space, output."""
    LOST = "lost"
    """The replica that worked on it went away."""
    POISON = "poison"
    """It was under way each of three times a replica died."""
    REPLACED = "replaced"
    """A newer execution took its place."""
    REQUESTED = "requested"
    """Somebody asked for the cancellation."""
    INTERNAL_ERROR = "internal_error"
    """A fault of this service, not of the target."""


class Trigger(StrEnum):
    """What made an execution."""

    SCHEDULE = "schedule"
    MANUAL = "manual"
    RETRY = "retry"
    DEPENDENCY = "dependency"
    """An execution of another job that ended."""
    STEP = "step"
    """A step of a run whose turn it was."""
    RERUN = "rerun"
    """A step of a run that is done again."""
    BACKFILL = "backfill"
    """A slot of the past that somebody asked for."""


MOVES: dict[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.RUNNING, State.CANCELLED}),
    State.RUNNING: frozenset(
        {State.SUCCEEDED, State.FAILED, State.TIMED_OUT, State.CANCELLED, State.LOST, State.QUEUED}
    ),
    State.SUCCEEDED: frozenset(),
    State.FAILED: frozenset(),
    State.TIMED_OUT: frozenset(),
    State.CANCELLED: frozenset(),
    State.SKIPPED: frozenset(),
    State.LOST: frozenset(),
}
"""From each state, the states that may follow."""

TERMINAL = frozenset(state for state, following in MOVES.items() if not following)
ACTIVE = frozenset(State) - TERMINAL
