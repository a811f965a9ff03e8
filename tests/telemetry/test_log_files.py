"""The files of the log: what is in them, who may read them, and that they are rotated."""

import json
import logging
import queue
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from stationmaster.config import Settings
from stationmaster.log_settings import LogFileSettings
from stationmaster.telemetry import log_files, metrics
from stationmaster.telemetry.log_files import open_log_files

logger = logging.getLogger("stationmaster.test")


@pytest.fixture(autouse=True)
def all_levels() -> Iterator[None]:
    """Let everything from INFO on through."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.INFO)
    yield
    root.setLevel(level)


def objects(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "stationmaster.jsonl").read_text().splitlines()]


def test_each_file_has_what_it_is_for(tmp_path: Path) -> None:
    with open_log_files(LogFileSettings(dir=tmp_path)), structlog.contextvars.bound_contextvars(request_id="r-1"):
        logger.info("job.%s", "planned", extra={"attempt": 2})
        logger.warning("disk.full")

    first, second = objects(tmp_path)
    assert ("job.planned", 2, "r-1", "info") == tuple(first[key] for key in ("event", "attempt", "request_id", "level"))
    assert ("disk.full", "r-1") == (second["event"], second["request_id"])
    [said, warned] = (tmp_path / "stationmaster.log").read_text().splitlines()
    assert all(word in said for word in ("job.planned", "attempt=2", "request_id=r-1"))
    assert [warned] == (tmp_path / "errors.log").read_text().splitlines()


def test_an_exception_comes_with_its_traceback(tmp_path: Path) -> None:
    with open_log_files(LogFileSettings(dir=tmp_path)):
        try:
            dict[str, int]()["lost"]
        except KeyError:
            logger.exception("http.failed")

    assert "KeyError: 'lost'" in objects(tmp_path)[0]["exception"]
    assert "KeyError: 'lost'" in (tmp_path / "errors.log").read_text()


def test_no_file_has_a_secret_a_colour_or_a_forged_line(tmp_path: Path) -> None:
    with open_log_files(LogFileSettings(dir=tmp_path)):
        logger.error("call\r\nforged\x1b[2J", extra={"headers": {"Authorization": "hunter2"}, "password": "hunter2"})

    for path in tmp_path.iterdir():
        text = path.read_text()
        assert "hunter2" not in text
        assert "***" in text
        assert 1 == len(text.splitlines())
        assert "\x1b" not in text


def test_files_are_rotated_and_only_so_many_are_kept(tmp_path: Path) -> None:
    with open_log_files(LogFileSettings(dir=tmp_path, max_bytes=2048, backups=2)):
        for number in range(200):
            logger.info("number", extra={"number": number})

    names = {path.name for path in tmp_path.iterdir()}
    texts = {f"stationmaster.{kind}{end}" for kind in ("log", "jsonl") for end in ("", ".1", ".2")}
    assert texts | {"errors.log"} == names
    assert all(path.stat().st_size <= 2048 for path in tmp_path.iterdir())
    assert 199 == objects(tmp_path)[-1]["number"]


def test_nobody_else_may_read_them(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "logs"
    with open_log_files(LogFileSettings(dir=folder, max_bytes=1024, backups=1)):
        for _ in range(50):
            logger.info("again")

    assert 0o700 == stat.S_IMODE(folder.stat().st_mode)
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert (folder / "stationmaster.log.1").exists()


def test_all_is_closed_at_the_end(tmp_path: Path) -> None:
    handlers, threads = list(logging.getLogger().handlers), threading.active_count()
    with open_log_files(LogFileSettings(dir=tmp_path)):
        logger.info("inside")
    logger.info("outside")

    assert ["inside"] == [line["event"] for line in objects(tmp_path)]
    assert (handlers, threads) == (logging.getLogger().handlers, threading.active_count())


def test_half_a_character_is_written_too(tmp_path: Path) -> None:
    with open_log_files(LogFileSettings(dir=tmp_path)):
        logger.error("odd", extra={"half": "\ud800"})

    assert "half=\\ud800" in (tmp_path / "errors.log").read_text()


def test_a_second_run_goes_on_in_the_same_files(tmp_path: Path) -> None:
    for event in ("first", "second"):
        with open_log_files(LogFileSettings(dir=tmp_path)):
            logger.info(event)

    assert ["first", "second"] == [line["event"] for line in objects(tmp_path)]


def test_what_there_is_no_room_for_is_given_up_and_counted() -> None:
    handler = log_files._Handler(queue.Queue(1))
    before = metrics.log_records_lost._value.get()
    for _ in range(3):
        handler.handle(logging.makeLogRecord({"msg": "again"}))

    assert 2 == metrics.log_records_lost._value.get() - before


def test_without_a_folder_nothing_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STATIONMASTER_LOG_FILES__DIR", "")
    handlers = list(logging.getLogger().handlers)
    with open_log_files(Settings(_env_file=None).log_files):
        logger.error("said")
        assert handlers == logging.getLogger().handlers

    assert [] == list(tmp_path.iterdir())
