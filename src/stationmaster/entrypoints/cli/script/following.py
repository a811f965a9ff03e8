"""Following an execution: its log as it comes, and a bar that says how far it is."""

import time
from collections.abc import Iterator
from typing import Any

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from stationmaster.entrypoints.cli.script.station import Station
from stationmaster.entrypoints.cli.terminal import err, printable, say

POLL_SECONDS = 0.5
ENDED = frozenset({"succeeded", "failed", "timed_out", "cancelled", "skipped", "lost"})


def follow(station: Station, execution_id: str) -> dict[str, Any]:
    """Write the log of an execution until it has ended, and return it as it is then.

    The log goes to standard output; the bar goes to standard error, and only to a terminal.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    cursor = ""
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("waiting", total=100)
        while True:
            execution = station.get(f"/executions/{execution_id}")
            cursor = _write_new(station, execution_id, cursor)
            bar.update(task, description=_describe(execution), completed=execution["progress"] or 0)
            if execution["state"] in ENDED:
                return execution
            time.sleep(POLL_SECONDS)


def write_log(station: Station, execution_id: str) -> None:
    """Write what an execution has said so far."""
    _write_new(station, execution_id, "")


def _write_new(station: Station, execution_id: str, cursor: str) -> str:
    for lines, following in _pages(station, execution_id, cursor):
        for line in lines:
            say(line["text"])
        cursor = following
    return cursor


def _pages(station: Station, execution_id: str, cursor: str) -> Iterator[tuple[list[dict[str, Any]], str]]:
    """Yield what is new since a cursor, and the cursor behind it."""
    while True:
        page = station.get(f"/executions/{execution_id}/logs", cursor=cursor, size=100)
        following = page["next_cursor"] or cursor
        yield page["items"], following
        if not page["items"] or not page["next_cursor"]:
            return
        cursor = following


def _describe(execution: dict[str, Any]) -> str:
    return printable(execution["stage"] or execution["state"])[:40]
