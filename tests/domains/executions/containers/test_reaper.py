"""Removing what ended attempts left behind, and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

import pytest
import sqlalchemy as sa

from stationmaster.db.engine import Database
from stationmaster.db.session import unit_of_work
from stationmaster.domains.executions.containers.naming import AttemptName
from stationmaster.domains.executions.containers.reaper import GRACE_SECONDS, SWARM_TASK, Reaper
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.states import State
from stationmaster.kit import clock
from stationmaster.kit.ids import new_id
from stationmaster.outbound.docker.engine import Engine
from stationmaster.outbound.docker.errors import Conflict
from stationmaster.setting_groups import DockerSettings
from tests.support.docker import IMAGE, NEEDS_DOCKER
from tests.support.executions import make_spec, store

HERE = "here"


@dataclass
class Yard:
    """An engine that only has containers standing about."""

    labels: dict[str, Mapping[str, str]] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    stuck: set[str] = field(default_factory=set)

    async def list_containers(self, label: str) -> dict[str, Mapping[str, str]]:
        name, _, value = label.partition("=")
        return {id_: labels for id_, labels in self.labels.items() if labels.get(name) == value}

    async def remove_container(self, id_: str) -> None:
        if id_ in self.stuck:
            raise Conflict(409, "removal is already in progress")
        self.removed.append(id_)

    def put(self, id_: str, execution: UUID, attempt: int = 1, *, ends_in: float = 60, house: str = HERE) -> None:
        ends_at: datetime = clock.now() + timedelta(seconds=ends_in)
        self.labels[id_] = AttemptName(execution, attempt).labels(house, ends_at)


async def execution(database: Database, **columns: object) -> UUID:
    [id_] = await store(database, make_spec())
    async with unit_of_work(database) as session:
        await session.execute(sa.update(Execution).where(sa.column("id") == id_).values(**columns))
    return id_


def reaper(database: Database, yard: Yard) -> Reaper:
    return Reaper(database, cast("Engine", yard), DockerSettings(), HERE)


@pytest.mark.parametrize(
    ("columns", "is_kept"),
    [
        ({"state": State.RUNNING, "attempt": 1}, True),
        ({"state": State.RUNNING, "attempt": 1, "handle": {"name": "x"}}, True),
        ({"state": State.QUEUED, "attempt": 1, "handle": {"name": "x"}}, True),
        ({"state": State.QUEUED, "attempt": 1}, False),
        ({"state": State.RUNNING, "attempt": 2}, False),
        ({"state": State.SUCCEEDED, "attempt": 1}, False),
        ({"state": State.CANCELLED, "attempt": 1}, False),
        ({"state": State.LOST, "attempt": 1}, False),
    ],
)
async def test_only_what_is_under_way_keeps_its_container(
    database: Database, columns: dict[str, object], is_kept: bool
) -> None:
    yard = Yard()
    yard.put("its", await execution(database, **columns))

    assert (0 if is_kept else 1) == await reaper(database, yard).reap()
    assert ([] if is_kept else ["its"]) == yard.removed


async def test_what_the_database_does_not_know_goes_when_its_time_is_up(database: Database) -> None:
    yard = Yard()
    yard.put("trial", new_id(), ends_in=10)
    yard.put("just over", new_id(), ends_in=-GRACE_SECONDS + 10)
    yard.put("long over", new_id(), ends_in=-GRACE_SECONDS - 10)

    await reaper(database, yard).reap()

    assert ["long over"] == yard.removed


async def test_what_is_not_ours_is_left_alone(database: Database) -> None:
    ended = await execution(database, state=State.FAILED, attempt=1)
    yard = Yard()
    yard.put("another house's", ended, house="elsewhere")
    yard.put("the swarm's", ended)
    yard.labels["the swarm's"] = {**yard.labels["the swarm's"], SWARM_TASK: ""}
    yard.labels["no attempt's"] = {"stationmaster.installation": HERE}

    assert (0, []) == (await reaper(database, yard).reap(), yard.removed)


async def test_one_that_cannot_be_removed_now_does_not_hold_up_the_others(database: Database) -> None:
    ended = await execution(database, state=State.FAILED, attempt=1)
    yard = Yard(stuck={"stuck"})
    yard.put("stuck", ended)
    yard.put("free", ended)

    assert (1, ["free"]) == (await reaper(database, yard).reap(), yard.removed)


@NEEDS_DOCKER
@pytest.mark.timeout(120)
async def test_a_real_container_goes_with_its_volume(database: Database, engine: Engine) -> None:
    ended = await execution(database, state=State.FAILED, attempt=1)
    labels = AttemptName(ended, 1).labels(HERE, clock.now())
    mount = {"Type": "volume", "Target": "/work"}
    config = {"Image": IMAGE, "Cmd": ["sleep", "60"], "Labels": labels, "HostConfig": {"Mounts": [mount]}}
    await engine.start_container(await engine.create_container("left-over", config))

    assert 1 == await Reaper(database, engine, DockerSettings(), HERE).reap()
    assert {} == await engine.list_containers(f"stationmaster.installation={HERE}")
