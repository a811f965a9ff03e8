"""The claim loop of a replica, with a real queue."""

import asyncio
from itertools import pairwise
from uuid import UUID

from stationmaster.config import RunnerSettings
from stationmaster.db.engine import Database
from stationmaster.domains.executions.claimer import LAUNCHED_AT_ONCE, Claimer
from stationmaster.domains.executions.flights import Flight, Flights
from stationmaster.domains.executions.specs import OrderBook
from tests.support.executions import SEALER, make_spec, store


async def test_others_get_their_turn_while_many_are_launched(database: Database) -> None:
    count = 3 * LAUNCHED_AT_ONCE
    for _ in range(count):
        await store(database, make_spec())
    flights = Flights(capacity=count, per_host=count)
    launched: list[UUID] = []

    def launch(flight: Flight) -> None:
        assert len(flights.all()) == count  # all are known before the first begins
        launched.append(flight.claimed.id)

    claimer = Claimer(database, flights, OrderBook(SEALER), RunnerSettings(), worker="w1", launch=launch)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(claimer.run())
        seen = [0]
        while seen[-1] < count:
            await asyncio.sleep(0)
            seen.append(len(launched))
        task.cancel()

    assert count == len(set(launched))
    assert LAUNCHED_AT_ONCE >= max(later - earlier for earlier, later in pairwise(seen))
