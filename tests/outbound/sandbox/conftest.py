"""Sandboxes of each kind, open for all tests of a module."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from stationmaster.outbound.sandbox.opening import open_sandbox
from stationmaster.outbound.sandbox.protection import Level
from stationmaster.outbound.sandbox.sandbox import Sandbox
from stationmaster.setting_groups import SandboxSettings


@pytest.fixture(scope="package")
def folder() -> Iterator[Path]:
    """Give a folder that other users can walk to; pytest's are shut to them."""
    with TemporaryDirectory(prefix="stationmaster-sandbox-") as made:
        Path(made).chmod(0o711)
        yield Path(made)


@pytest.fixture(scope="package")
async def sandbox(folder: Path) -> AsyncIterator[Sandbox]:
    """Give the sandbox that bubblewrap makes; the machine of the tests must have it."""
    settings = SandboxSettings(mode="require", grace=1)
    async with open_sandbox(settings, folder / "walled") as opened:
        protection = await opened.protection()
        assert protection.level is Level.FULL, protection.text
        yield opened


@pytest.fixture(scope="package")
async def plain_sandbox(folder: Path) -> AsyncIterator[Sandbox]:
    """Give the sandbox of a machine without bubblewrap."""
    async with open_sandbox(SandboxSettings(mode="off", grace=1), folder / "plain") as opened:
        protection = await opened.protection()
        assert protection.level is Level.REDUCED, protection.text
        yield opened
