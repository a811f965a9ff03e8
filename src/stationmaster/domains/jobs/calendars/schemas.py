"""What the API takes and shows of calendars."""

from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, field_validator, model_validator

from stationmaster.kit.closures import DAY_LENGTH
from stationmaster.kit.instants import format_instant, parse_instant
from stationmaster.web.schema import Input, LongText, Output, ShortText

MOST_TIMES = 1000
LAST_YEAR = 9000


def _check_edge(text: str) -> str:
    """Return a day as it is and an instant in its normal form."""
    return _check_day(text) if len(text) == DAY_LENGTH else format_instant(parse_instant(text))


def _check_day(text: str) -> str:
    day = date.fromisoformat(text)
    if day.year >= LAST_YEAR:
        raise ValueError(f"lies too far ahead; the last year is {LAST_YEAR - 1}")
    return day.isoformat()


Day = Annotated[
    str, Field(min_length=DAY_LENGTH, max_length=DAY_LENGTH, examples=["2026-12-25"]), AfterValidator(_check_day)
]
Edge = Annotated[str, Field(min_length=DAY_LENGTH, max_length=40), AfterValidator(_check_edge)]


class Range(Input):
    """A closed time: two days, the last one included, or two instants, the second one excluded."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"start": "2026-12-24", "end": "2027-01-02"}]})

    start: Edge = Field(description="A day, or an instant.", examples=["2026-12-24"])
    end: Edge = Field(description="A day, or an instant.", examples=["2027-01-02"])

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if (len(self.start) == DAY_LENGTH) != (len(self.end) == DAY_LENGTH):
            raise ValueError("give two days or two instants")
        if self.end < self.start or (self.end == self.start and len(self.start) != DAY_LENGTH):
            raise ValueError("end must come after start")
        return self


Dates = Annotated[list[Day], Field(max_length=MOST_TIMES)]
Ranges = Annotated[list[Range], Field(max_length=MOST_TIMES)]
Ical = Annotated[str, Field(min_length=1, max_length=1_000_000, examples=["BEGIN:VCALENDAR\n...\nEND:VCALENDAR"])]


class CalendarIn(Input):
    """Times in which schedules leave their slots out. Days are days of each schedule's own zone."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "holidays", "dates": ["2026-12-25"]}]})

    name: ShortText = Field(description="Unique.", examples=["holidays"])
    description: LongText | None = None
    dates: Dates = Field([], description="Single days.")
    ranges: Ranges = Field([], description="Longer times.")
    ical: Ical | None = Field(
        None,
        description="An iCal file. Its events are read once; those that repeat are written out from last year"
        " to five years ahead.",
    )


class CalendarPatch(Input):
    """Changes to a calendar; what is not given stays. Schedules that use it follow at once.

    `ical: null` takes out what was read from a file.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [{"dates": ["2026-12-25", "2026-12-26"]}]})

    name: ShortText | None = None
    description: LongText | None = None
    dates: Dates | None = None
    ranges: Ranges | None = None
    ical: Ical | None = None

    @field_validator("name", "dates", "ranges", mode="before")
    @classmethod
    def _refuse_null(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("cannot be null; leave out what stays as it is")
        return value


class IcalTime(Output):
    """A time that was read from an iCal file."""

    start: str = Field(examples=["2026-12-25"])
    end: str = Field(examples=["2026-12-26"])
    name: str = Field(examples=["Christmas"])


class CalendarOut(Output):
    """A calendar."""

    id: UUID
    name: str = Field(examples=["holidays"])
    description: str | None = Field(examples=["Days on which nobody works"])
    owner_id: UUID | None
    dates: list[str] = Field(examples=[["2026-12-25"]])
    ranges: list[Range]
    ical_times: list[IcalTime] = Field(description="What was read from an iCal file.")
    schedule_count: int = Field(description="How many schedules leave its times out.")
    created_at: datetime
    updated_at: datetime
