"""Where something of an entity can stand, column by column, and marks to plant there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.kit.ids import new_id
from stationmaster.tables import metadata


def rows_of_work(runs: Sequence[UUID], executions: Sequence[UUID]) -> dict[str, sa.ColumnElement[bool]]:
    """Say of each table that is planted which of its rows speak of the person."""
    t = metadata.tables
    digests = sa.select(t["artifacts"].c.digest).where(t["artifacts"].c.execution_id.in_(executions))
    specs = sa.select(t["executions"].c.spec_id).where(t["executions"].c.id.in_(executions))
    by_execution = ("external_tasks", "attempts", "journals", "journal_chunks", "artifacts", "notifications")
    return {
        "runs": t["runs"].c.id.in_(runs),
        "step_runs": t["step_runs"].c.run_id.in_(runs),
        "executions": t["executions"].c.id.in_(executions),
        "specs": t["specs"].c.id.in_(specs),
        "blob_pieces": t["blob_pieces"].c.digest.in_(digests),
        "messages": t["messages"].c.kind == "notice",
        **{name: t[name].c.execution_id.in_(executions) for name in by_execution},
    }


LEFT_BY_WORK = rows_of_work([], []).keys()

NOBODY = {
    "of the people who use the service, and erased with their account": {
        "account_tokens", "api_key_usage", "api_keys", "login_failures", "mail_requests", "refresh_tokens", "sessions",
        "team_members", "user_preferences", "users",
    },
    "definitions that people write, and not what went through them": {
        "calendars", "checks", "job_categories", "job_dependencies", "jobs", "maintenance_pauses", "process_versions",
        "processes", "schedule_calendars", "schedules", "script_allowed_roles", "script_allowed_users", "script_build_lines",
        "script_builds", "script_versions", "scripts", "secret_job_grants", "secret_script_grants", "secrets", "settings",
        "steps", "teams",
    },
    "written by executions of jobs, which belong to no run": {"job_state_drafts", "job_states", "job_waves", "pings"},
    "of files that people upload, until they delete them": {"files"},
    "lengths and digests": {"blobs"},
    "figures and names of replicas and hosts": {"breakers", "leases", "retention_removals", "status_log", "workers"},
    "what is personal is masked before it is written": {"audit_checkpoints", "audit_logs", "audit_seals"},
    "sealed, and gone within a day": {"kept_answers"},
}  # fmt: skip

OTHERWISE = {
    "runs.entity_id": "by whom it is erased; planted by hand",
    "runs.key": "names the execution that began it; planted by hand",
    "step_runs.name": "of the step",
    "executions.kind": "of the target",
    "executions.job_name": "of the job",
    "executions.script_name": "of the script",
    "executions.host": "of the target",
    "executions.overlap_key": "of the definition",
    "executions.worker": "a replica",
    "attempts.worker": "a replica",
    "blob_pieces.digest": "points to the content",
    "artifacts.digest": "points to the content",
    "notifications.topic": "one of ours",
    "notifications.link": "a path of ours",
    "notifications.dedupe_key": "made of ids",
    "messages.kind": "one of ours",
    "messages.dedupe_key": "made of ids and digests",
    "messages.recipient": "who is told, and not of whom",
}
"""Free columns that are not planted as all others, and why."""


@dataclass
class Planter:
    """Gives each free column of some rows a mark of its own."""

    mark: str = field(default_factory=lambda: f"planted-{new_id().hex[20:]}")
    planted: set[str] = field(default_factory=set)
    numbers: Iterator[int] = field(default_factory=count)

    def next(self) -> str:
        mark = f"{self.mark}-{next(self.numbers)}."
        self.planted.add(mark)
        return mark

    async def plant(self, session: AsyncSession, table: sa.Table, rows: sa.ColumnElement[bool]) -> None:
        keys = list(table.primary_key)
        for row in (await session.execute(sa.select(table).where(rows))).mappings().all():
            values = {column: self._mark(column, row[column]) for column in free_columns(table)}
            await session.execute(sa.update(table).where(*(key == row[key] for key in keys)).values(values))

    def _mark(self, column: sa.Column[Any], value: Any) -> Any:
        if isinstance(_kind(column), sa.LargeBinary):
            return self.next().encode()
        if isinstance(_kind(column), sa.JSON):
            return (value if isinstance(value, dict) else {}) | {"planted": self.next()}
        return self.next()


def free_columns(table: sa.Table) -> list[sa.Column[Any]]:
    """Return the columns that can say anything."""
    return [column for column in table.columns if is_free(column) and f"{table.name}.{column.name}" not in OTHERWISE]


def is_free(column: sa.Column[Any]) -> bool:
    kind = _kind(column)
    return isinstance(kind, sa.JSON | sa.String | sa.LargeBinary) and not isinstance(kind, sa.Enum)


def _kind(column: sa.Column[Any]) -> object:
    return getattr(column.type, "impl_instance", column.type)
