"""The service with nothing to do: how long it takes to start, and what it weighs then."""

import asyncio
from pathlib import Path

from bench.replica import running_replica, settings_for
from bench.stand import Dialect, Stand

REST_SECONDS = 5.0


async def measure_idle(stand: Stand, dialect: Dialect, log: Path) -> dict[str, float]:
    """Start on a migrated database without jobs; weigh after a rest."""
    template = await stand.make_template(dialect, [])
    async with stand.copy(template) as url, running_replica(settings_for(url, stand.folder / "data"), log) as replica:
        start_seconds = replica.ready_after
        await asyncio.sleep(REST_SECONDS)
        cpu = replica.cpu_seconds()
        await asyncio.sleep(REST_SECONDS)
        return {
            "start_seconds": start_seconds,
            "rss_mb": replica.rss_mb(),
            "private_mb": replica.private_mb(),
            "cpu_percent": (replica.cpu_seconds() - cpu) / REST_SECONDS * 100,
        }
