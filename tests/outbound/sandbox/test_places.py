"""Only so many runs at once; the others wait for their turn."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

from stationmaster.outbound.sandbox.opening import open_sandbox
from stationmaster.outbound.sandbox.order import SandboxOrder
from stationmaster.outbound.sandbox.sandbox import Sandbox
from stationmaster.setting_groups import SandboxSettings
from tests.outbound.sandbox.running import Notebook, run, shell


async def run_after(sandbox: Sandbox, order: SandboxOrder, waited: list[str]) -> None:
    """Run an order, and note when it waits for its turn."""

    @contextmanager
    def waiting() -> Iterator[None]:
        waited.append("in")
        yield
        waited.append("out")

    async with sandbox.run(order, Notebook(), waiting=waiting()) as end:
        assert end.is_success


async def test_places_are_limited(folder: Path) -> None:
    async with open_sandbox(SandboxSettings(mode="require", concurrency=1), folder / "one") as sandbox:
        orders = [shell("date +%s%N; sleep 0.2; date +%s%N", name=f"turn-{number}") for number in range(3)]
        ended = await asyncio.gather(*(run(sandbox, order) for order in orders))
        async with asyncio.TaskGroup() as group:
            group.create_task(run(sandbox, shell("sleep 0.3")))
            waited: list[str] = []
            group.create_task(run_after(sandbox, shell("true", name="after"), waited))

    assert ["in", "out"] == waited
    spans = sorted([int(line) for line in one.text.splitlines()] for one in ended)
    assert all(first[1] <= second[0] for first, second in pairwise(spans))


async def test_a_service_that_lets_nobody_read_its_files_runs_scripts_all_the_same(folder: Path) -> None:
    before = os.umask(0o077)
    try:
        async with open_sandbox(SandboxSettings(mode="require"), folder / "shut") as sandbox:
            order = shell('cat ../script/lib/a "$INPUT_DIR/b"', script={"lib/a": b"a"}, input={"b": b"b"})
            ended = await run(sandbox, order)
    finally:
        os.umask(before)

    assert "ab" == ended.text, ended.end
