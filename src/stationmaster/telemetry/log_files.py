"""Writes the log to files that are rotated, beside standard error.

A thread of its own renders and writes: a slow disk never holds up the event loop. What waits for it is bounded, and counted
when it is given up.
"""

import copy
import logging
import os
import queue
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from logging.handlers import QueueHandler, QueueListener, RotatingFileHandler
from pathlib import Path
from typing import Literal, cast

import structlog

from stationmaster.log_settings import LogFileSettings
from stationmaster.telemetry import metrics
from stationmaster.telemetry.logging import make_formatter

MOST_WAITING = 10_000
PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600


@contextmanager
def open_log_files(settings: LogFileSettings) -> Iterator[None]:
    """Write the log to files as long as the context lasts; all that was logged is in them when it ends.

    Raises:
        OSError: a file cannot be made.
    """
    if settings.dir is None:
        yield
        return
    folder = settings.dir.absolute()
    folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    files = [
        _open(folder / "stationmaster.log", "console", logging.NOTSET, settings),
        _open(folder / "stationmaster.jsonl", "json", logging.NOTSET, settings),
        _open(folder / "errors.log", "console", logging.WARNING, settings),
    ]
    waiting: queue.Queue[object] = queue.Queue(MOST_WAITING)
    listener = _Listener(waiting, *files, respect_handler_level=True)
    handler = _Handler(waiting)
    listener.start()
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        listener.stop()
        for file in files:
            file.close()


def _open(path: Path, shape: Literal["console", "json"], level: int, settings: LogFileSettings) -> RotatingFileHandler:
    file = _PrivateFile(
        path, maxBytes=settings.max_bytes, backupCount=settings.backups, encoding="utf-8", errors="backslashreplace"
    )
    file.setLevel(level)
    file.setFormatter(make_formatter(shape, in_colour=False))
    return file


class _PrivateFile(RotatingFileHandler):
    """A file, and each that follows it, for nobody but its owner."""

    def _open(self) -> TextIOWrapper:
        opened = open(  # noqa: SIM115  # the handler closes it
            self.baseFilename,
            self.mode,
            encoding=self.encoding,
            errors=self.errors,
            opener=lambda path, flags: os.open(path, flags, PRIVATE_FILE),
        )
        return cast("TextIOWrapper", opened)


class _Handler(QueueHandler):
    """Hands records over with what only the place where they were made knows: their text and what is bound there."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """Complete a copy of the record; the rest of the work is the thread's."""
        prepared = copy.copy(record)
        if not isinstance(record.msg, dict):
            prepared.msg, prepared.args = record.getMessage(), None
        prepared.__dict__ = {**structlog.contextvars.get_contextvars(), **prepared.__dict__}
        return prepared

    def enqueue(self, record: logging.LogRecord) -> None:
        """Give up a record for which there is no room."""
        try:
            self.queue.put_nowait(record)
        except queue.Full:
            metrics.log_records_lost.inc()


class _Listener(QueueListener):
    """Ends after the last record, also when there is no room for the mark of the end at this moment."""

    def enqueue_sentinel(self) -> None:
        """Wait for room."""
        cast("queue.Queue[object]", self.queue).put(None)
