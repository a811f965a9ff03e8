"""Calendar months: a month after 31 January is 28 (or 29) February."""

from calendar import monthrange
from datetime import date, datetime


def add_months(instant: datetime, months: int) -> datetime | None:
    """Return the same time that many calendar months later, on the last day where the month is shorter.

    None when that is beyond the year 9999.
    """
    year, month = divmod(instant.year * 12 + instant.month - 1 + months, 12)
    if year > date.max.year:
        return None
    return instant.replace(year=year, month=month + 1, day=min(instant.day, monthrange(year, month + 1)[1]))
