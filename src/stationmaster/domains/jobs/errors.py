"""What is refused here."""

from datetime import date, datetime
from uuid import UUID

from stationmaster.errors import AlreadyExists, Conflict, FieldError, Invalid, NotFound


class JobNotFound(NotFound):
    def __init__(self, id_: UUID) -> None:
        super().__init__("job", id_)


class ScheduleNotFound(NotFound):
    def __init__(self, id_: UUID) -> None:
        super().__init__("schedule", id_)


class JobNameTaken(AlreadyExists):
    def __init__(self, name: str) -> None:
        super().__init__("job", "name", name)


class AlreadyPaused(Conflict):
    title = "The job is paused already"

    def __init__(self, since: datetime) -> None:
        super().__init__(f"The job has been paused since {since.isoformat(timespec='seconds')}; resume it first.")


class NotPaused(Conflict):
    title = "The job is not paused"

    def __init__(self) -> None:
        super().__init__("The job is not paused, so there is nothing to resume.")


class CalendarNotFound(NotFound):
    def __init__(self, id_: UUID) -> None:
        super().__init__("calendar", id_)


class CalendarNameTaken(AlreadyExists):
    def __init__(self, name: str) -> None:
        super().__init__("calendar", "name", name)


class CalendarInUse(Conflict):
    title = "Schedules use the calendar"

    def __init__(self, uses: int) -> None:
        super().__init__(f"{uses} schedule{'s use' if uses > 1 else ' uses'} it: change their calendars first.")


class JobEnded(Conflict):
    title = "The job has ended"

    def __init__(self, end_date: date | None) -> None:
        super().__init__(f"The last day of the job was {end_date}: give it a later end_date, or null, first.")


class StillNeeded(Conflict):
    title = "Other jobs wait for the job"

    def __init__(self, name: str) -> None:
        super().__init__(f"The job {name[:100]!r} runs after it: change its depends_on first.")


class SecretsUnreadable(Conflict):
    title = "The secrets of the job cannot be read"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The secrets of the job {name[:100]!r} were sealed with another key: start the service with that key,"
            " or delete the job and create it anew."
        )


class SeveralSchedules(Invalid):
    """The short form cannot say which of several schedules is meant."""

    def __init__(self) -> None:
        super().__init__(
            FieldError("the job has several schedules; change them one by one, or give schedules", "/cron_expression")
        )
