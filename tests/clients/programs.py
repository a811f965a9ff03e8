"""Calls programs that generate, check and use clients."""

import asyncio
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path


async def output_of(*call: str | Path, folder: Path) -> str:
    """Run a program to its end; return what it wrote, or fail with it."""
    process = await asyncio.create_subprocess_exec(*map(str, call), cwd=folder, stdout=PIPE, stderr=STDOUT)
    written, _ = await process.communicate()
    assert process.returncode == 0, written.decode()
    return written.decode()
