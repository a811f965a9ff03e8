"""Turns every log record of the process, ours and the libraries', into one structured line on standard error."""

import logging
import sys
from datetime import UTC, datetime
from typing import Literal, TextIO

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor, WrappedLogger

from stationmaster.config import Settings
from stationmaster.telemetry.processors import escape_controls, redact_secrets

# Our own access line (`http.request`) knows the route and the request id; uvicorn's would say the same again, with the
# query and the address of the caller.
SILENCED = ("uvicorn.access",)
TAKEN_OVER = ("uvicorn", "uvicorn.error", "uvicorn.asgi")
# These write a line for each call, tick or statement, with addresses and values in it.
QUIETED = ("aiosqlite", "alembic", "apscheduler", "httpcore", "httpx")


class StructuredHandler(logging.StreamHandler[TextIO]):
    """The one handler that `configure` installs and replaces."""


def configure(settings: Settings) -> None:
    """Send all loggers through one structured handler; may be called again with other settings."""
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, StructuredHandler)]:
        root.removeHandler(handler)
    handler = StructuredHandler(sys.stderr)
    handler.setFormatter(make_formatter(settings.log_format, in_colour=sys.stderr.isatty()))
    root.addHandler(handler)
    root.setLevel(settings.log_level)
    _set_up_libraries()


def make_formatter(shape: Literal["console", "json"], *, in_colour: bool) -> ProcessorFormatter:
    """Build the formatter of one output shape."""
    return ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.ExtraAdder(),
            _drop_copies,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            _stamp,
        ],
        processors=[
            ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            redact_secrets,
            *_render(shape, in_colour),
        ],
    )


def _render(shape: Literal["console", "json"], in_colour: bool) -> list[Processor]:
    if shape == "json":
        # JSON escapes control characters by itself, and everything that is not ASCII.
        return [structlog.processors.JSONRenderer(ensure_ascii=True)]
    console = structlog.dev.ConsoleRenderer(colors=in_colour, exception_formatter=structlog.dev.plain_traceback)
    return [escape_controls, console]


def _stamp(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Say when the record was made; its line may be written later."""
    made_at = datetime.fromtimestamp(event["_record"].created, UTC)
    event["timestamp"] = made_at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return event


def _drop_copies(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Leave out the copies of the event that uvicorn (in colour) and other handlers' formatters attach to a record."""
    for name in ("color_message", "message", "asctime"):
        event.pop(name, None)
    return event


def _set_up_libraries() -> None:
    for name in TAKEN_OVER:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    for name in QUIETED:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in SILENCED:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = False
