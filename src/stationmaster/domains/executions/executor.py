"""What the engine asks of whoever can do one kind of work."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

from stationmaster.db.blobs import Source
from stationmaster.domains.executions.journal import Journal
from stationmaster.domains.executions.states import Reason, State
from stationmaster.domains.executions.stopwatch import Stopwatch
from stationmaster.domains.executions.targets.base import TargetFields

TargetT = TypeVar("TargetT", bound=TargetFields, contravariant=True)


class Disowned(Exception):  # it says what happened
    """The attempt is no longer ours: another replica has it, or its lease ran out. Stop, and say nothing."""


@dataclass(frozen=True, slots=True)
class Facts:
    """For whom an attempt works. `handle` is set when it was begun by a replica that went away: go on with that work."""

    owner_id: UUID | None = None
    job_id: UUID | None = None
    script_id: UUID | None = None
    step_run_id: UUID | None = None
    params: Mapping[str, Any] | None = None
    handle: Mapping[str, Any] | None = None


class Desk(Protocol):
    """What an attempt may ask of the engine, and leave with it. Each call is a short transaction of its own."""

    has_reporter: bool
    """Whether the program was given a token, and may have reported to any replica."""

    async def read_facts(self) -> Facts:
        """Read for whom this attempt works; most kinds need not know, so it is not read for them.

        Raises:
            Disowned
        """

    def report_token(self) -> str | None:
        """Make the token by which the program may report on this execution while the attempt runs; None in a trial."""

    async def keep_artifact(self, name: str, source: Source) -> str | None:
        """Keep a file that the program made, by a name that is a plain relative path; in a trial, do nothing.

        Return None, or why it is not kept, in words for people: too large, too many, no name.
        """

    async def save_handle(self, handle: Mapping[str, Any]) -> None:
        """Keep by what the outside world will know this attempt. Called *before* the effect: what has no handle when its
        replica goes away is begun anew or lost, as the job says; what has one is taken over.

        Raises:
            Disowned
        """

    def step_aside(self) -> None:
        """Give the attempt's place to others: from now on it only looks, now and then, after work elsewhere."""


@dataclass(frozen=True, slots=True)
class Context:
    """The facts of one attempt.

    `execution_id` is the message id: the same over all attempts, so that a receiver can drop repetitions.
    `timeout_seconds` is the whole time the attempt may still take; the engine enforces it as well, by the `stopwatch`, which
    an executor stops while it waits for its turn.
    """

    execution_id: UUID
    attempt: int
    scheduled_for: datetime | None
    timeout_seconds: float
    desk: Desk
    journal: Journal
    stopwatch: Stopwatch = field(default_factory=Stopwatch)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended.

    `state` is one of succeeded, failed, timed_out, cancelled, lost (nobody can know any more what became of the work).
    Whether a failure is tried again is decided from `reason` and `code` by the job's retry policy; `is_final` forbids it
    whatever the policy says. What is lost is tried again if the job's `on_lost` says so. `retry_after_seconds` is the
    receiver's wish. `code` is the exit code of a program.
    """

    state: State
    reason: Reason | None = None
    response_status: int | None = None
    error: str | None = None
    result: dict[str, Any] | None = None
    retry_after_seconds: float | None = None
    is_final: bool = False
    code: int | None = None


class ExecutorOf(Protocol[TargetT]):
    """Does one kind of target. Stateless between calls; clients live as long as the application."""

    kind: str

    async def run(self, target: TargetT, context: Context) -> Outcome:
        """Do the work once and say how it ended.

        Never raises for what the outside world does: that is an `Outcome`. Cancellation passes through promptly, and ends
        whatever lives in this process (a child, a connection); work elsewhere goes on until `stop`, or is taken over.
        """

    async def stop(self, target: TargetT, context: Context) -> None:
        """End the work elsewhere that `run` began or took over, because somebody asked for it or its time is up.

        Called after `run` was cancelled, and only while the attempt is ours; may take half a minute.
        """

    def check(self, target: TargetT) -> None:
        """Refuse, when it is defined, a target that could never be carried out here.

        Raises:
            ValueError: says why, for people.
        """

    def host_of(self, target: TargetT) -> str | None:
        """Name what the target loads (`host:port`), for fair shares and the circuit breaker; None when nothing is shared."""


Executor = ExecutorOf[Any]
"""The executor of any kind, as the engine holds it: which target goes to which is known by `kind` only."""
