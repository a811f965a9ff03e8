"""Reading the rows of a CSV file: columns by any of their names, empty ones left out, and what each row says."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stationmaster.domains.jobs.transfer.schemas import UploadStats

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "name": ("job name", "name"),
    "cron": ("cron schedule (jst)", "cron expression", "cron", "cron_expression", "cron schedule"),
    "timezone": ("timezone", "time zone", "zone"),
    "status": ("status", "is_active", "active"),
    "url": ("target url", "target_url", "url"),
    "owner": ("github owner", "owner", "github_owner"),
    "repo": ("repo", "github repo", "github_repo"),
    "workflow": ("workflow name", "github workflow name", "github_workflow_name", "workflow"),
    "dispatch_url": ("dispatch url", "dispatch_url", "github dispatch url"),
    "category": ("category", "job category"),
    "end_date": ("end date", "end_date"),
    "team": ("pic team", "pic_team", "pic team slug", "pic_team_slug", "team"),
    "branch": ("branch", "ref"),
    "body": ("request body", "request_body", "metadata", "params"),
    "description": ("description",),
}
"""What a column is called here, and the headings by which it is known, in lower case."""
TOKYO_HEADING = "cron schedule (jst)"
PAUSED_WORDS = frozenset({"disable", "disabled", "inactive", "false", "0", "no", "n", "off", "paused"})
MOST_ROWS = 10_000


class CsvError(ValueError):
    """The file cannot be read at all; says why for people."""


@dataclass(frozen=True)
class Row:
    """One row: its number (the heading is row 1) and its cells by column, empty ones left out."""

    number: int
    cells: Mapping[str, str]

    def get(self, column: str) -> str | None:
        return self.cells.get(column)

    @property
    def is_active(self) -> bool:
        return (self.get("status") or "").lower() not in PAUSED_WORDS

    def read_body(self) -> dict[str, Any]:
        """Return the JSON object of the row.

        Raises:
            ValueError: it is none.
        """
        text = self.get("body")
        if text is None:
            return {}
        found = json.loads(text)
        if not isinstance(found, dict):
            raise ValueError("is not a JSON object")  # noqa: TRY004  # the value is wrong for the user
        return found


@dataclass(frozen=True)
class Sheet:
    """A file that was read."""

    rows: Sequence[Row]
    stats: UploadStats
    default_zone: str | None
    """The zone that a heading names."""


def read_sheet(content: bytes) -> Sheet:
    """Read a CSV file in UTF-8, with or without a mark at its beginning.

    Raises:
        CsvError: it is empty, not text, has no heading that is known, or too many rows.
    """
    try:
        lines = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise CsvError(f"is not CSV in UTF-8: {error}") from error
    if not lines:
        raise CsvError("is empty")
    headings = [heading.strip().lower() for heading in lines[0]]
    columns = [_find_column(heading) for heading in headings]
    _check(headings, columns)
    if len(lines) - 1 > MOST_ROWS:
        raise CsvError(f"has more than {MOST_ROWS} rows")
    rows = [_read_row(number, columns, cells) for number, cells in enumerate(lines[1:], start=2)]
    kept = [row for row in rows if row.cells]
    stats = UploadStats(
        original_column_count=len(headings),
        original_row_count=len(rows),
        removed_column_count=sum(not heading for heading in headings),
        removed_empty_row_count=len(rows) - len(kept),
    )
    return Sheet(kept, stats, "Asia/Tokyo" if TOKYO_HEADING in headings else None)


def _find_column(heading: str) -> str | None:
    return next((column for column, names in COLUMNS.items() if heading in names), None)


def _check(headings: Sequence[str], columns: Sequence[str | None]) -> None:
    if "name" not in columns:
        raise CsvError("has no column for the name of the job, such as 'Job Name'")
    unknown = [heading for heading, column in zip(headings, columns, strict=True) if heading and column is None]
    if unknown:
        raise CsvError(f"has columns that are not known here: {', '.join(unknown)[:300]}")
    known = [column for column in columns if column is not None]
    twice = sorted({column for column in known if known.count(column) > 1})
    if twice:
        raise CsvError(f"has several columns for {', '.join(twice)}")


def _read_row(number: int, columns: Sequence[str | None], cells: Sequence[str]) -> Row:
    named = zip(columns, cells, strict=False)
    return Row(number, {column: text.strip() for column, text in named if column and text.strip()})
