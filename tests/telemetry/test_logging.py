"""From a log call to its line."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any, Literal

import pytest
import structlog

from stationmaster.config import Settings
from stationmaster.telemetry.logging import StructuredHandler, configure

logger = logging.getLogger("stationmaster.test")

NAMES = ("uvicorn", "uvicorn.error", "uvicorn.access", "httpx", "aiosqlite")


@pytest.fixture(autouse=True)
def unconfigured() -> Iterator[None]:
    """Leave the process's loggers as they were."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    loggers = {name: logging.getLogger(name) for name in NAMES}
    levels = {name: (found.level, found.propagate, list(found.handlers)) for name, found in loggers.items()}
    yield
    root.setLevel(level)
    root.handlers[:] = handlers
    for name, found in loggers.items():
        found.level, found.propagate, found.handlers[:] = levels[name]


def start(shape: Literal["console", "json"] = "json", level: Literal["DEBUG", "INFO"] = "INFO") -> io.StringIO:
    configure(Settings(_env_file=None, log_format=shape, log_level=level))
    written = io.StringIO()
    ours().setStream(written)
    return written


def ours() -> StructuredHandler:
    [handler] = [handler for handler in logging.getLogger().handlers if isinstance(handler, StructuredHandler)]
    return handler


def lines(written: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_a_json_line_has_the_event_and_its_facts() -> None:
    written = start()

    logger.info("execution.finished", extra={"state": "succeeded", "attempt": 2})

    [line] = lines(written)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "execution.finished",
        "state": "succeeded",
        "attempt": 2,
        "level": "info",
        "logger": "stationmaster.test",
    }


def test_a_console_line_has_them_too() -> None:
    written = start("console")

    logger.warning("execution.finished", extra={"state": "failed"})

    assert all(word in written.getvalue() for word in ("warning", "execution.finished", "state=failed"))


def test_a_line_carries_what_is_bound_to_the_work() -> None:
    written = start()

    with structlog.contextvars.bound_contextvars(request_id="r-1", execution_id="e-1"):
        logger.info("inside")
    logger.info("outside")

    inside, outside = lines(written)
    assert (inside["request_id"], inside["execution_id"]) == ("r-1", "e-1")
    assert "request_id" not in outside


@pytest.mark.parametrize("shape", ["console", "json"])
def test_secrets_never_reach_the_line(shape: Literal["console", "json"]) -> None:
    written = start(shape)

    logger.info("call", extra={"headers": {"Authorization": "hunter2"}, "signing_secret": "hunter2"})

    assert "hunter2" not in written.getvalue()


@pytest.mark.parametrize("shape", ["console", "json"])
@pytest.mark.parametrize("text", ['x\r\n{"level": "info"}', "\x1b[2J\x1b]8;;", "\u202e\u2028", "\x00"])
def test_a_value_cannot_forge_a_line(shape: Literal["console", "json"], text: str) -> None:
    written = start(shape)

    logger.info("said", extra={"by": text})
    logger.info(text)

    assert len(written.getvalue().splitlines()) == 2
    assert written.getvalue().replace("\n", "").isprintable()


@pytest.mark.parametrize("shape", ["console", "json"])
def test_an_exception_is_written_with_its_traceback(shape: Literal["console", "json"]) -> None:
    written = start(shape)

    logger.error("http.failed", exc_info=KeyError("lost\x1b[2J"))

    assert "KeyError: 'lost" in written.getvalue()
    assert "\x1b[2J" not in written.getvalue()


def test_what_json_cannot_express_is_written_as_text() -> None:
    written = start()

    logger.info("odd", extra={"value": {1, 2}, "error": ValueError("x"), "half": "\ud800"})

    assert lines(written)[0]["error"] == "ValueError('x')"


def test_uvicorn_speaks_through_us_and_its_access_log_not_at_all() -> None:
    for name in ("uvicorn", "uvicorn.access"):
        logging.getLogger(name).addHandler(logging.StreamHandler(io.StringIO()))
    written = start()

    logging.getLogger("uvicorn.error").info("Started %s", "server", extra={"color_message": "\x1b[1mStarted"})
    logging.getLogger("uvicorn.access").info("127.0.0.1 - GET /?token=hunter2")

    assert [line["event"] for line in lines(written)] == ["Started server"]
    assert "color_message" not in written.getvalue()


def test_libraries_that_log_values_are_quiet_even_when_debugging() -> None:
    written = start(level="DEBUG")

    logging.getLogger("httpx").info("HTTP Request: POST https://hook.example/?token=hunter2")
    logging.getLogger("aiosqlite").debug("executing INSERT ('hunter2')")
    logger.debug("ours")

    assert [line["event"] for line in lines(written)] == ["ours"]


def test_configuring_twice_writes_each_line_once() -> None:
    start()
    written = start()

    logger.info("once")

    assert len(lines(written)) == 1
