"""Opens the sandbox of a process of the service."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

from stationmaster.outbound.sandbox.bubblewrap import Tools
from stationmaster.outbound.sandbox.sandbox import Sandbox
from stationmaster.outbound.sandbox.work_folder import open_room
from stationmaster.setting_groups import SandboxSettings

THREADS = 4


@asynccontextmanager
async def open_sandbox(settings: SandboxSettings, folder: Path) -> AsyncIterator[Sandbox]:
    """Give the sandbox for as long as the context lasts; its runs have their folders under `folder`."""
    search = os.pathsep.join((os.environ.get("PATH", ""), "/usr/bin", "/bin"))
    tools = Tools(*(shutil.which(name, path=search) or "" for name in ("bwrap", "setpriv", "prlimit", "unshare")))
    places = asyncio.Semaphore(settings.concurrency)
    with open_room(folder) as room, ThreadPoolExecutor(THREADS, thread_name_prefix="sandbox") as threads:
        yield Sandbox(settings, room, tools, places, threads)
