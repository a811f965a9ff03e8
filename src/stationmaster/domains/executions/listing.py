"""What lists of executions show, and what they can be narrowed to and sorted by."""

from pydantic import Field

from stationmaster.db.base import table_of
from stationmaster.db.listing import Resource, field
from stationmaster.domains.executions.detail_schemas import ExternalTaskOut
from stationmaster.domains.executions.log_schemas import LogLineOut
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.repository import Filters
from stationmaster.domains.executions.schemas import AttemptOut, ExecutionOut
from stationmaster.domains.users.directory import owner_fields
from stationmaster.domains.users.listing import PersonOut
from stationmaster.kit.sorting import Sort, parse_sort
from stationmaster.web.items import Item

_executions = table_of(Execution)

EXECUTIONS = Resource(
    "executions",
    key=field("id", _executions.c.id),
    fields=(
        field("type", _executions.c.kind),
        field("state", _executions.c.state),
        field("reason", _executions.c.reason),
        field("trigger", _executions.c.trigger),
        field("job_id", _executions.c.job_id),
        field("job_name", _executions.c.job_name),
        field("script_id", _executions.c.script_id),
        field("step_run", _executions.c.step_run_id),
        field("schedule_id", _executions.c.schedule_id),
        field("owner_id", _executions.c.owner_id),
        field("scheduled_for", _executions.c.scheduled_for),
        field("queued_at", _executions.c.queued_at),
        field("started_at", _executions.c.started_at),
        field("finished_at", _executions.c.finished_at),
        field("duration_seconds", _executions.c.duration_seconds),
        field("attempt", _executions.c.attempt),
        field("response_status", _executions.c.response_status),
        field("error", _executions.c.error),
        field("retry_of", _executions.c.retry_of),
        field("worker", _executions.c.worker),
        *owner_fields(_executions.c.owner_id),
    ),
)


NEWEST = parse_sort("-queued_at")


def default_sort(filters: Filters) -> Sort:
    """Return the order that an index has together with these filters; all are newest first."""
    has_range = filters.start is not None or filters.end is not None
    return NEWEST if has_range and filters.job_id is None and filters.script_id is None else ()


class ExecutionItem(ExecutionOut, Item):
    """An execution in a list; `include` adds the last fields, `exclude` may leave out any."""

    user: PersonOut | None = Field(None, description="Owner of the job when it was made.")
    user_name: str | None = Field(None, description="That person's name; for administrators.")
    user_email: str | None = Field(None, description="That person's e-mail address; for administrators.")
    job_name: str | None = Field(None, description="Name of the job when it was made.")
    script_name: str | None = Field(None, description="Name of the script when it was made, if you may see it.")
    attempts: list[AttemptOut] | None = Field(None, description="Its attempts, oldest first.")
    external_tasks: list[ExternalTaskOut] | None = Field(
        None, description="Work that it began elsewhere, if you may look inside."
    )
    logs: list[LogLineOut] | None = Field(None, description="Its last lines of output, if you may look inside.")
