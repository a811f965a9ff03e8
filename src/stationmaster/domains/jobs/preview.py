"""Looking at a cron expression before it is used."""

from datetime import datetime

from stationmaster.domains.jobs.schedule_schemas import ClockChangeOut, CronIn, CronOut
from stationmaster.domains.jobs.timetables import cron_timetable
from stationmaster.errors import FieldError, Invalid
from stationmaster.kit.clock_change import list_clock_changes
from stationmaster.kit.cron import CronError
from stationmaster.kit.timetable import list_next
from stationmaster.kit.zone import ZoneError


def validate(wanted: CronIn, *, default_timezone: str, now: datetime) -> CronOut:
    """Say what an expression means and when it would run, or what is wrong with it."""
    zone = wanted.timezone or default_timezone
    try:
        return _look(wanted, zone, now)
    except (CronError, ZoneError) as error:
        field = "timezone" if isinstance(error, ZoneError) else error.field
        return CronOut(valid=False, expression=wanted.expression, timezone=zone, error=str(error), field=field)


def preview(wanted: CronIn, *, default_timezone: str, now: datetime) -> CronOut:
    """Say what a right expression means and when it would run.

    Raises:
        Invalid: the expression or the zone is refused.
    """
    try:
        return _look(wanted, wanted.timezone or default_timezone, now)
    except CronError as error:
        raise Invalid(FieldError(str(error), pointer="/expression")) from error
    except ZoneError as error:
        raise Invalid(FieldError(str(error), pointer="/timezone")) from error


def _look(wanted: CronIn, zone: str, now: datetime) -> CronOut:
    timetable = cron_timetable(wanted.expression, zone, wanted.dst_gap, wanted.dst_fold)
    changes = [
        ClockChangeOut(
            at=one.at, kind=one.kind.value, local_time=one.first_planned.isoformat(" ", "minutes"), effect=one.effect
        )
        for one in list_clock_changes(timetable, now)
    ]
    return CronOut(
        valid=True,
        expression=timetable.cron.text,
        timezone=zone,
        description=timetable.describe(),
        next_runs=list_next(timetable, now, wanted.count),
        clock_changes=changes,
    )
