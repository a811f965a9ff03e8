"""The tables of the engine: what to do (`specs`), what was done (`executions`, `attempts`), who does it (`workers`)."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from stationmaster.db.base import Json, Table, enum_column, partial_index, sealed
from stationmaster.domains.executions.states import Reason, State, Trigger
from stationmaster.kit import clock


class OnLost(StrEnum):
    """What becomes of an attempt whose replica went away after it had begun."""

    RETRY = "retry"
    FAIL = "fail"


class OverlapPolicy(StrEnum):
    """What happens to an execution while others with the same key are under way."""

    SKIP = "skip"
    QUEUE = "queue"
    REPLACE = "replace"
    ALLOW = "allow"


class Spec(Table, table=True):
    """What an execution does and by which policies: one version of a job, never changed, shared by its executions.

    `target` has params and metadata laid in, templates in params as they were given, and its secrets sealed to this row's id.
    """

    __tablename__ = "specs"

    created_at: datetime = Field(default_factory=clock.now)
    kind: str = Field(max_length=32)
    host: str | None = Field(max_length=300)
    target: dict[str, Any] = Field(sa_type=Json, sa_column_kwargs=sealed())
    timeout_seconds: float
    max_attempts: int
    retry: dict[str, Any] = Field(sa_type=Json)
    on_lost: OnLost = Field(sa_type=enum_column(OnLost, "on_lost"))
    overlap_policy: OverlapPolicy = Field(sa_type=enum_column(OverlapPolicy, "overlap_policy"))
    overlap_key: str | None = Field(max_length=200)
    max_running: int
    queue_max: int
    script_id: UUID | None = None
    """The script that it runs; no foreign key, as in the executions that take it over."""
    script_name: str | None = Field(default=None, max_length=255)


_ACTIVE = "state IN ('queued', 'running')"
# All states but the one that nearly all rows end in. Joined by OR, as SQLite sees only so that one of them suffices.
NOTABLE = " OR ".join(f"state = '{state.value}'" for state in State if state is not State.SUCCEEDED)


class Execution(Table, table=True):
    """The durable record of one slot or one request.

    It names its job and owner without foreign keys: history outlives them. A `skipped` row may stand for a range of slots:
    `slot_count` of them, from `scheduled_for` to `slot_until`.
    """

    __tablename__ = "executions"
    __table_args__ = (
        sa.UniqueConstraint("schedule_id", "scheduled_for"),
        # Each index costs on every move of every execution: what few rows are in is partial, and most moves touch none.
        sa.Index("ix_executions_job", "job_id", "id"),
        partial_index("ix_executions_script", "script_id", "id", where="script_id IS NOT NULL"),
        partial_index("ix_executions_turn", "turn_at", "id", where="state = 'queued' AND NOT is_held"),
        partial_index("ix_executions_held", "id", where="is_held"),
        partial_index("ix_executions_running", "lease_token", where="state = 'running'"),
        partial_index("ix_executions_overlap", "overlap_key", where=f"{_ACTIVE} AND overlap_key IS NOT NULL"),
        partial_index("ix_executions_state", "state", "id", where=NOTABLE),
        partial_index("ix_executions_step_run", "step_run_id", where="step_run_id IS NOT NULL"),
        partial_index("ix_executions_watched", "id", where="is_watched AND state <> 'queued' AND state <> 'running'"),
        sa.Index("ix_executions_queued_at", "queued_at", "id"),
        partial_index("ix_executions_spec", "spec_id", where="spec_id IS NOT NULL"),
        partial_index("ix_executions_retry_of", "retry_of", where="retry_of IS NOT NULL"),
        sa.CheckConstraint("slot_count >= 1", name="slot_count"),
        sa.CheckConstraint("attempt >= 0", name="attempt"),
    )

    kind: str = Field(max_length=32)
    trigger: Trigger = Field(sa_type=enum_column(Trigger, "trigger", grows=True))
    state: State = Field(sa_type=enum_column(State, "state"))
    reason: Reason | None = Field(default=None, sa_type=enum_column(Reason, "reason", grows=True))
    spec_id: UUID | None = Field(default=None, foreign_key="specs.id")
    job_id: UUID | None = None
    job_name: str | None = Field(default=None, max_length=255)
    script_id: UUID | None = None
    script_name: str | None = Field(default=None, max_length=255)
    step_run_id: UUID | None = None
    schedule_id: UUID | None = None
    owner_id: UUID | None = None
    requested_by: UUID | None = None
    retry_of: UUID | None = None
    epoch: int | None = None
    """The leader's term that made it; None when a request did."""
    host: str | None = Field(default=None, max_length=300)
    overlap_key: str | None = Field(default=None, max_length=200)
    is_held: bool = False
    """Queued behind others with the same overlap key; not to be claimed yet."""

    scheduled_for: datetime | None = None
    slot_until: datetime | None = None
    slot_count: int = 1

    queued_at: datetime
    available_at: datetime
    """Not to be claimed before."""
    turn_at: datetime
    """Place in the queue; an owner with much queued gets later places, so that others need not wait behind it."""
    started_at: datetime | None = None
    """When the first attempt began."""
    attempt_started_at: datetime | None = None
    finished_at: datetime | None = None
    duration_seconds: float | None = None
    """From the first attempt's start to the end, waits between attempts included."""
    attempt: int = 0
    max_attempts: int = 1
    crash_count: int = 0
    worker: str | None = Field(default=None, max_length=200)
    lease_token: UUID | None = None
    lease_until: datetime | None = None
    cancel_requested_at: datetime | None = None
    handle: dict[str, Any] | None = Field(default=None, sa_type=Json)
    """By what the outside world knows the attempt under way. Whoever takes the execution over goes on with that attempt."""
    adopted_count: int = 0
    """How often the attempts were taken over from a replica that went away."""
    is_watched: bool = False
    """Somebody is to be told when it has ended, and was not told yet (see `aftermath`)."""

    progress: float | None = None
    """Percent, as the program reports it."""
    stage: str | None = Field(default=None, max_length=255)
    params: dict[str, Any] | None = Field(default=None, sa_type=Json)
    response_status: int | None = None
    error: str | None = None
    result: dict[str, Any] | None = Field(default=None, sa_type=Json)


class Attempt(SQLModel, table=True):
    """One ended try of an execution; the try under way stands in the execution itself."""

    __tablename__ = "attempts"
    __table_args__ = (
        sa.ForeignKeyConstraint(["execution_id"], ["executions.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("execution_id", "number"),
    )

    execution_id: UUID
    number: int
    worker: str | None = Field(max_length=200)
    state: State = Field(sa_type=enum_column(State, "state"))
    reason: Reason | None = Field(default=None, sa_type=enum_column(Reason, "reason", grows=True))
    started_at: datetime
    finished_at: datetime
    response_status: int | None = None
    error: str | None = None
    retry_at: datetime | None = None


class Worker(SQLModel, table=True):
    """A replica that executes work, and when it was last heard of."""

    __tablename__ = "workers"

    name: str = Field(primary_key=True, max_length=200)
    started_at: datetime
    seen_at: datetime
    in_flight: int = 0


class Breaker(SQLModel, table=True):
    """A target host that failed many times in a row; closed hosts have a row only while they are failing."""

    __tablename__ = "breakers"

    host: str = Field(primary_key=True, max_length=300)
    failures: int = 0
    open_seconds: float = 0
    open_until: datetime | None = None
    probe_until: datetime | None = None
