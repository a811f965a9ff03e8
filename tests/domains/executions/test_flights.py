"""The register of flights: who holds a place."""

import asyncio

from stationmaster.db.engine import Database
from stationmaster.domains.executions.executor import Context, Outcome
from stationmaster.domains.executions.states import State
from stationmaster.domains.executions.targets import Target
from tests.domains.executions.test_runner import running
from tests.support.executions import ScriptedExecutor, ended, make_spec, store


async def test_work_that_waits_elsewhere_leaves_its_place_to_others(database: Database) -> None:
    """Two places, three that step aside: the fourth still finds one, and a polite end does not wait for them."""

    class Patient(ScriptedExecutor):
        aside = 0

        async def run(self, target: Target, context: Context) -> Outcome:
            if self.aside == 3:
                return await super().run(target, context)
            await context.desk.save_handle({"run": 1})
            context.desk.step_aside()
            context.desk.step_aside()
            self.aside += 1
            return await asyncio.Future[Outcome]()

    executor = Patient()
    for _ in range(3):
        await store(database, make_spec())
    async with running(database, executor, concurrency=2, per_host=2):
        while executor.aside < 3:
            await asyncio.sleep(0.01)
        [id_] = await store(database, make_spec())
        assert State.SUCCEEDED is (await ended(database, id_)).state
