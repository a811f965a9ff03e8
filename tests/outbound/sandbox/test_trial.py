"""What wall is found on machines of different kinds."""

import os
import shutil
from pathlib import Path
from typing import Literal

import pytest

from stationmaster.outbound.sandbox.opening import open_sandbox
from stationmaster.outbound.sandbox.order import Cause
from stationmaster.outbound.sandbox.protection import Level, Protection
from stationmaster.setting_groups import SandboxSettings
from tests.outbound.sandbox.running import run, shell

Mode = Literal["require", "prefer", "off"]


async def found(folder: Path, mode: Mode) -> Protection:
    async with open_sandbox(SandboxSettings(mode=mode), folder / "rooms") as sandbox:
        return await sandbox.protection()


def without(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Take programs off the machine."""
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name, path: None if name in names else which(name, path=path))


@pytest.mark.parametrize(
    ("mode", "expected"), [("require", Level.FULL), ("prefer", Level.FULL), ("off", Level.REDUCED)]
)
async def test_the_mode_decides_where_everything_works(folder: Path, mode: Mode, expected: Level) -> None:
    assert expected is (await found(folder, mode)).level


@pytest.mark.parametrize(
    ("mode", "user", "expected"),
    [
        ("require", 0, Level.NONE),
        ("prefer", 0, Level.REDUCED),
        ("prefer", 1000, Level.NONE),
        ("off", 0, Level.REDUCED),
    ],
)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give scripts another user")
async def test_without_bubblewrap_no_script_gets_the_rights_of_the_service(
    folder: Path, monkeypatch: pytest.MonkeyPatch, mode: Mode, user: int, expected: Level
) -> None:
    without(monkeypatch, "bwrap")
    monkeypatch.setattr(os, "geteuid", lambda: user)

    protection = await found(folder, mode)

    assert expected is protection.level, protection.text
    assert mode == "off" or "not installed" in protection.text


async def test_a_bubblewrap_that_fails_is_as_good_as_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "bwrap"
    program.write_text("#!/bin/sh\necho No permissions to create a new namespace >&2; exit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))

    protection = await found(folder, "require")

    assert (Level.NONE, True) == (protection.level, "No permissions to create a new namespace" in protection.text)


async def test_nothing_runs_without_the_tools(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "setpriv")
    async with open_sandbox(SandboxSettings(), folder / "rooms") as sandbox:
        ended = await run(sandbox, shell("echo ran"))

    assert (Cause.NOT_STARTED, "") == (ended.end.cause, ended.text)
    assert "util-linux" in ended.end.text


async def test_folders_that_the_other_user_cannot_reach_are_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without(monkeypatch, "bwrap")
    (tmp_path / "shut").mkdir(mode=0o700)
    expected = Level.NONE if os.geteuid() == 0 else Level.REDUCED
    async with open_sandbox(SandboxSettings(mode="off"), tmp_path / "shut" / "rooms") as sandbox:
        assert expected is (await sandbox.protection()).level
