"""The policies of a job that the engine carries out: overlap and retry."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stationmaster.domains.executions.models import OverlapPolicy
from stationmaster.domains.executions.states import Reason
from stationmaster.kit.retry import Backoff
from stationmaster.web.schema import Input

Seconds = Annotated[float, Field(ge=0, le=86_400 * 7)]
RetryCause = Literal["network_error", "timeout", "rate_limit", "server_error", "exit_code"]
DEFAULT_RETRY_ON: list[RetryCause | int] = ["network_error", "timeout", "rate_limit", "server_error", "exit_code"]


class Overlap(Input):
    """What happens while another execution with the same key is queued or running.

    `skip` records the slot as skipped; `queue` lets it wait (`queue_max` at most, then it is skipped); `replace` stops the
    others and runs when they have ended; `allow` runs at once.
    """

    policy: OverlapPolicy = Field(OverlapPolicy.SKIP, description="What to do about an overlap.")
    key: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="Executions with the same key may not overlap; the job when empty.",
    )
    max_running: int = Field(1, ge=1, le=10_000, description="How many with the same key may be under way.")
    queue_max: int = Field(100, ge=1, le=10_000, description="How many may wait under `queue`.")


class Retry(Input):
    """Whether, and when, a failed attempt is followed by another.

    The wait before attempt n+1 is `delays_seconds[n-1]` (the last one repeats), or else random between 0 and
    `initial_seconds * multiplier^(n-1)` (exactly that without `jitter`), at most `max_seconds`. A receiver's Retry-After is a
    lower bound, up to one hour.
    """

    max_attempts: int = Field(1, ge=1, le=100, description="Attempts in all; 1 means no retry.")
    delays_seconds: list[Seconds] = Field([], max_length=100, description="Waits before each further attempt.")
    initial_seconds: Seconds = Field(2, description="First wait.")
    multiplier: float = Field(2, ge=1, le=100, description="Growth of the wait.")
    max_seconds: Seconds = Field(900, description="Longest wait.")
    jitter: bool = Field(
        True, description="Spread the waits at random (full jitter); explicit delays are kept exactly."
    )
    retry_on: list[RetryCause | int] = Field(
        DEFAULT_RETRY_ON,
        max_length=100,
        description="Causes worth another attempt; a number is a response status (webhook) or an exit code.",
    )
    respect_retry_after: bool = Field(True, description="Wait at least as long as the receiver asks.")

    @model_validator(mode="after")
    def _refuse_two_ways(self) -> Self:
        names = ("initial_seconds", "multiplier", "max_seconds")
        growing = {name for name in names if getattr(self, name) != Retry.model_fields[name].default}
        if self.delays_seconds and growing:
            raise ValueError(f"give either delays_seconds or {', '.join(sorted(growing))}")
        return self

    @property
    def backoff(self) -> Backoff:
        return Backoff(
            delays_seconds=tuple(self.delays_seconds),
            initial_seconds=self.initial_seconds,
            multiplier=self.multiplier,
            max_seconds=self.max_seconds,
            jitter=self.jitter,
        )

    def covers(self, reason: Reason | None, code: int | None) -> bool:
        """Say whether a failure for this reason, with this response status or exit code, is worth another attempt."""
        return (reason is not None and reason.value in self.retry_on) or (code is not None and code in self.retry_on)
