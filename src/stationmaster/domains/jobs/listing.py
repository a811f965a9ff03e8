"""What lists of jobs show, and what they can be narrowed to and sorted by."""

from dataclasses import dataclass
from uuid import UUID

from pydantic import Field

from stationmaster.db.base import table_of
from stationmaster.db.listing import Document, Resource, field
from stationmaster.domains.executions.schemas import ExecutionOut, StatisticsOut
from stationmaster.domains.jobs.models import Job
from stationmaster.domains.jobs.schemas import JobOut
from stationmaster.domains.taxonomy.listing import label_fields
from stationmaster.domains.users.directory import owner_fields
from stationmaster.domains.users.listing import PersonOut
from stationmaster.web.items import Item

_jobs = table_of(Job)

JOBS = Resource(
    "jobs",
    key=field("id", _jobs.c.id),
    fields=(
        field("name", _jobs.c.name),
        field("description", _jobs.c.description),
        field("owner_id", _jobs.c.owner_id),
        field("is_active", _jobs.c.is_active),
        *label_fields(_jobs.c.category_id, _jobs.c.team_id),
        field("end_date", _jobs.c.end_date),
        field("timeout_seconds", _jobs.c.timeout_seconds),
        field("created_at", _jobs.c.created_at),
        field("updated_at", _jobs.c.updated_at),
        Document("metadata", _jobs.c.metadata, alias="meta"),
        *owner_fields(_jobs.c.owner_id),
    ),
)


@dataclass(frozen=True)
class JobFilters:
    """What a list of jobs is narrowed to."""

    owner_id: UUID | None = None
    category_id: UUID | None = None
    team_id: UUID | None = None
    is_active: bool | None = None
    is_paused: bool | None = None


class JobItem(JobOut, Item):
    """A job in a list; `include` adds the last fields, `exclude` may leave out any."""

    user: PersonOut | None = Field(None, description="The owner.")
    user_name: str | None = Field(None, description="The owner's name; for administrators.")
    user_email: str | None = Field(None, description="The owner's e-mail address; for administrators.")
    executions: list[ExecutionOut] | None = Field(None, description="Its ten newest executions, newest first.")
    stats: StatisticsOut | None = Field(None, description="All its executions, counted.")
