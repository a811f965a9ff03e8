"""A workflow on a service that is killed in each of its steps."""

import asyncio
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from bench.caller import log_in
from bench.receiver import running_receiver
from bench.replica import Replica

STEPS = [f"step-{number}" for number in range(1, 6)]
PATIENCE_SECONDS = 180
LOOK_SECONDS = 0.02


@dataclass(frozen=True)
class Ending:
    """The run at its end, and how often each message id was sent."""

    run: dict[str, Any]
    calls: Counter[str]

    @property
    def statuses(self) -> dict[str, str]:
        return {one["name"]: one["status"] for one in self.run["steps"]}

    @property
    def calls_of_steps(self) -> dict[str, int]:
        return {one["name"]: self.calls[one["execution_id"]] for one in self.run["steps"]}

    def is_right(self) -> bool:
        """Say whether each step was done, once or twice, and nothing was sent under another id."""
        counts = self.calls_of_steps.values()
        has_succeeded = self.run["status"] == "completed" and set(self.statuses.values()) == {"success"}
        return has_succeeded and {1, 2}.issuperset(counts) and self.calls.total() == sum(counts)


async def kill_in_each_step(
    replica: Replica, folder: Path, *, call_ms: int, on_death: Callable[[], Awaitable[None]] | None = None
) -> Ending:
    """Run a workflow on a replica that runs, and kill it by SIGKILL during the first call of each step.

    `on_death` is done after each kill, before the replica is started again.

    Raises:
        TimeoutError: a step was not begun, or the last one not ended, after three minutes.
    """
    ledger = folder / "calls"
    async with running_receiver(1, ledger) as (port,), aiohttp.ClientSession() as client:
        client.headers["authorization"] = f"Bearer {await log_in(client, replica.base)}"
        api = f"{replica.base}/api/v1"
        run_id = await _begin(client, api, f"http://127.0.0.1:{port}/wait/{call_ms}")
        for number in range(1, len(STEPS) + 1):
            await _until_called(ledger, number)
            replica.send(signal.SIGKILL)
            await replica.ended()
            if on_death:
                await on_death()
            await replica.start()
            await replica.ready()
        run = await _until_ended(client, f"{api}/runs/{run_id}")
    return Ending(run, _count(ledger))


async def _begin(client: aiohttp.ClientSession, api: str, url: str) -> str:
    """Begin a run of five steps, each a call that takes a while."""
    steps = [{"name": name, "target": {"type": "webhook", "url": url}} for name in STEPS]
    process = await _ask(client, "POST", f"{api}/processes", {"name": "under fire", "steps": steps})
    run = await _ask(client, "POST", f"{api}/runs", {"process_id": process["id"], "entity_id": "somebody"})
    return str(run["id"])


async def _ask(client: aiohttp.ClientSession, method: str, address: str, body: object = None) -> Any:
    async with client.request(method, address, json=body, raise_for_status=True) as answer:
        return await answer.json()


async def _until_called(ledger: Path, number: int) -> None:
    """Wait until so many different calls are, or were, under way."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(_count(ledger)) < number:  # noqa: ASYNC110  # another process writes it
            await asyncio.sleep(LOOK_SECONDS)


async def _until_ended(client: aiohttp.ClientSession, address: str) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            run: dict[str, Any] = await _ask(client, "GET", address)
            if run["status"] not in {"pending", "running"}:
                return run
            await asyncio.sleep(LOOK_SECONDS)


def _count(ledger: Path) -> Counter[str]:
    return Counter(line.split()[0] for line in ledger.read_text().splitlines())
