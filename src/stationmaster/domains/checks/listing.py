"""What lists of checks and of their signs can be narrowed to and sorted by."""

from stationmaster.db.base import table_of
from stationmaster.db.listing import Resource, field
from stationmaster.domains.checks.models import Check, Ping
from stationmaster.domains.checks.schemas import CheckOut, PingOut
from stationmaster.web.items import Item

_checks, _pings = table_of(Check), table_of(Ping)

CHECKS = Resource(
    "checks",
    key=field("id", _checks.c.id),
    fields=(
        field("name", _checks.c.name),
        field("owner_id", _checks.c.owner_id),
        field("job_id", _checks.c.job_id),
        field("state", _checks.c.state),
        field("state_changed_at", _checks.c.state_changed_at),
        field("period_seconds", _checks.c.period_seconds),
        field("cron_expression", _checks.c.cron_expression),
        field("grace_seconds", _checks.c.grace_seconds),
        field("reminder", _checks.c.reminder),
        field("due_at", _checks.c.due_at),
        field("down_at", _checks.c.down_at),
        field("last_ping_at", _checks.c.last_ping_at),
        field("ping_count", _checks.c.ping_count),
        field("created_at", _checks.c.created_at),
        field("updated_at", _checks.c.updated_at),
    ),
)

PINGS = Resource(
    "pings",
    key=field("id", _pings.c.id),
    fields=(
        field("signal", _pings.c.signal),
        field("exit_code", _pings.c.exit_code),
        field("at", _pings.c.at),
        field("method", _pings.c.method),
        field("body", _pings.c.body),
        field("execution_id", _pings.c.execution_id),
        field("duration_seconds", _pings.c.duration_seconds),
    ),
)


class CheckItem(CheckOut, Item):
    """A check in a list; `exclude` may leave out any field."""


class PingItem(PingOut, Item):
    """A sign in a list; `exclude` may leave out any field."""
