"""Images built by the engine from a tar file."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from stationmaster.outbound.docker.engine import Engine, read_messages, translated
from stationmaster.outbound.docker.errors import EngineRefused

BUILD_FAILED = 422
"""Not an answer of the engine: a step of the build failed."""
PERIOD = 100_000


@dataclass(frozen=True, slots=True)
class BuildOrder:
    """What to build, and what the steps of the build may use. `network`: a network of the engine, or `none`."""

    context: bytes
    tag: str
    labels: Mapping[str, str]
    memory_mb: int
    cpu: float
    network: str

    def query(self) -> dict[str, str]:
        """Return the parameters of "Build an image" (Engine API)."""
        memory = str(self.memory_mb * 1024**2)
        return {
            "t": self.tag,
            "labels": json.dumps(self.labels),
            "forcerm": "1",
            "memory": memory,
            "memswap": memory,
            "cpuperiod": str(PERIOD),
            "cpuquota": str(int(self.cpu * PERIOD)),
            "networkmode": self.network,
        }


async def build(engine: Engine, order: BuildOrder) -> AsyncIterator[str]:
    """Build an image and yield what the engine says; whoever stops listening stops the build.

    Raises:
        EngineRefused: a step failed; says which.
        EngineAway: it broke off.
    """
    with translated():
        async with engine.request("POST", "build", order.query(), data=order.context) as response:
            async for message in read_messages(response.content):
                if "error" in message:
                    raise EngineRefused(BUILD_FAILED, str(message["error"]))
                for line in _lines_of(message):
                    yield line


def _lines_of(message: Mapping[str, Any]) -> list[str]:
    """Return the text of a message; the many about how far a download is are left out."""
    if "progressDetail" in message and "stream" not in message:
        return []
    text = str(message.get("stream") or message.get("status") or "")
    return [line.rstrip() for line in text.splitlines() if line.strip()]
