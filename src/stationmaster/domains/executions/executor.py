"""What the engine asks of whoever can do one kind of work."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from stationmaster.domains.executions.states import Reason, State
from stationmaster.domains.executions.targets import Target


@dataclass(frozen=True, slots=True)
class Context:
    """The facts of one attempt.

    `execution_id` is the message id: the same over all attempts, so that a receiver can drop repetitions.
    `timeout_seconds` is the whole time the attempt may take; the engine enforces it as well.
    """

    execution_id: UUID
    attempt: int
    scheduled_for: datetime | None
    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended.

    `state` is one of succeeded, failed, timed_out, cancelled. Whether a failure is tried again is decided from `reason`
    by the job's retry policy; `is_final` forbids it whatever the policy says. `retry_after_seconds` is the receiver's wish.
    """

    state: State
    reason: Reason | None = None
    response_status: int | None = None
    error: str | None = None
    result: dict[str, Any] | None = None
    retry_after_seconds: float | None = None
    is_final: bool = False


class Executor(Protocol):
    """Does one kind of target. Stateless between calls; clients live as long as the application."""

    kind: str

    async def run(self, target: Target, context: Context) -> Outcome:
        """Do the work once and say how it ended.

        Never raises for what the outside world does: that is an `Outcome`. Cancellation passes through promptly.
        """

    def check(self, target: Target) -> None:
        """Refuse, when it is defined, a target that could never be carried out here.

        Raises:
            ValueError: says why, for people.
        """

    def host_of(self, target: Target) -> str | None:
        """Name what the target loads (`host:port`), for fair shares and the circuit breaker; None when nothing is shared."""
