"""Tries what wall this machine can put around a run."""

import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from stationmaster.outbound.sandbox.bubblewrap import Tools
from stationmaster.outbound.sandbox.order import Journal, Limits, SandboxEnd, SandboxOrder, Stream
from stationmaster.outbound.sandbox.protection import Level, Mode, Protection

TRIAL = SandboxOrder(
    name="trial",
    command=("/bin/sh", "-c", 'echo {} >"$RESULT_FILE" && test -w "$OUTPUT_DIR" && test -r "$SCRIPT_DIR"'),
    limits=Limits(wall_seconds=5),
)
Run = Callable[[Level, SandboxOrder, Journal], AbstractAsyncContextManager[SandboxEnd]]


@dataclass(slots=True)
class _Complaint:
    """Keeps what the trial says of its trouble."""

    text: bytes = b""

    async def write(self, _stream: Stream, data: bytes) -> None:
        self.text += data


async def find_protection(run: Run, tools: Tools, mode: Mode) -> Protection:
    """Return the best wall that the mode allows and that holds something small."""
    if not tools.setpriv or not tools.prlimit:
        return Protection(Level.NONE, "setpriv and prlimit (util-linux) are not installed.")
    if mode == "off":
        return await _try(run, Level.REDUCED, "STATIONMASTER_SANDBOX__MODE is off.")
    found = await _try(run, Level.FULL, "bubblewrap works.") if tools.bwrap else _NOT_INSTALLED
    if found.level is Level.FULL or mode == "require":
        return found
    if os.geteuid() != 0:
        return Protection(Level.NONE, f"{found.text} Without it, scripts would run as the service's own user.")
    reduced = await _try(run, Level.REDUCED, found.text)
    return reduced if reduced.level is Level.REDUCED else Protection(Level.NONE, f"{found.text} {reduced.text}")


_NOT_INSTALLED = Protection(Level.NONE, "bubblewrap (bwrap) is not installed.")


async def _try(run: Run, level: Level, text: str) -> Protection:
    """Run the trial on this level; return it with the text, or that it failed and why."""
    complaint = _Complaint()
    async with run(level, TRIAL, complaint) as end:
        if end.is_success:
            return Protection(level, text)
        what = "bubblewrap cannot work here" if level is Level.FULL else "A plain process cannot work here"
        words = " ".join((end.text, *complaint.text.decode(errors="replace").split()))
        return Protection(Level.NONE, f"{what}. {words}")
