"""Who opens a secret: what was granted it, and nobody else."""

from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.engine import Database
from stationmaster.db.session import unit_of_work
from stationmaster.domains.scripts.models import Script, Status
from stationmaster.domains.secrets import service
from stationmaster.domains.secrets.errors import SecretsNotGranted, SecretsUnreadable
from stationmaster.domains.secrets.models import JobGrant, ScriptGrant, Secret
from stationmaster.domains.users import service as users
from stationmaster.domains.users.service import NewUser
from stationmaster.kit import clock
from stationmaster.kit.ids import new_id
from stationmaster.kit.sealing import Sealer
from tests.support.people import PASSWORD_HASH
from tests.support.work import make_job

SEALER = Sealer(b"k" * 32)
HOUR_AGO = timedelta(hours=1)


async def store(session: AsyncSession, name: str, owner_id: UUID | None = None) -> Secret:
    id_ = new_id()
    sealed = SEALER.seal(f"value of {name}", row=str(id_))
    secret = Secret(id=id_, name=name, description="", owner_id=owner_id, value=sealed, value_set_at=clock.now())
    session.add(secret)
    await session.flush()
    return secret


async def test_an_owner_opens_own_ones(session: AsyncSession) -> None:
    owner = await _owner(session)
    await store(session, "A", owner)
    await store(session, "B", owner)

    opened = await service.open_granted(session, SEALER, ["A", "B", "A"], owner_id=owner)

    assert opened == {"A": "value of A", "B": "value of B"}


async def test_nothing_is_opened_when_one_is_missing(session: AsyncSession) -> None:
    owner = await _owner(session)
    secret = await store(session, "A", owner)

    with pytest.raises(SecretsNotGranted) as refused:
        await service.open_granted(session, SEALER, ["A", "B", "C"], owner_id=owner)

    await session.refresh(secret)
    assert refused.value.names == {"B", "C"}
    assert secret.last_used_at is None


async def test_a_script_gets_what_it_was_granted(session: AsyncSession) -> None:
    script, other = new_id(), new_id()
    secret = await store(session, "A", await _owner(session))
    session.add(Script(id=script, slug="a", name="A", description="", status=Status.SUCCESS))
    await session.flush()
    session.add(ScriptGrant(secret_id=secret.id, script_id=script))
    await session.flush()

    opened = await service.open_granted(session, SEALER, ["A"], owner_id=None, script_id=script)
    usable = await service.find_usable(session, ["A", "B"], owner_id=None, script_id=other)

    assert (opened, usable) == ({"A": "value of A"}, set())


async def test_an_owners_secrets_are_not_lent_to_a_script(session: AsyncSession) -> None:
    await store(session, "A", await _owner(session))

    with pytest.raises(SecretsNotGranted):
        await service.open_granted(session, SEALER, ["A"], owner_id=None, script_id=new_id())


async def test_a_secret_without_owner_is_nobodys(session: AsyncSession) -> None:
    await store(session, "A")

    assert await service.find_usable(session, ["A"], owner_id=None) == set()
    assert await service.find_usable(session, ["A"], owner_id=new_id()) == set()


async def test_the_use_is_noted_once_a_minute(session: AsyncSession) -> None:
    owner = await _owner(session)
    secret = await store(session, "A", owner)
    seen = []

    for before in (None, clock.now(), clock.now() - HOUR_AGO):
        await session.execute(sa.update(Secret).values(last_used_at=before, updated_at=Secret.updated_at))
        await service.open_granted(session, SEALER, ["A"], owner_id=owner)
        await session.refresh(secret)
        seen.append((before, secret.last_used_at))

    assert seen[0][1] is not None
    assert seen[1][0] == seen[1][1]
    assert seen[2][0] is not None
    assert seen[2][1] is not None
    assert seen[2][1] > seen[2][0] + timedelta(minutes=59)


async def test_another_row_does_not_open_it(session: AsyncSession) -> None:
    owner = await _owner(session)
    first, second = await store(session, "A", owner), await store(session, "B", owner)
    second.value = first.value
    await session.flush()

    with pytest.raises(SecretsUnreadable) as refused:
        await service.open_granted(session, SEALER, ["A", "B"], owner_id=owner)

    assert refused.value.names == {"B"}


async def test_no_names_need_no_statement(session: AsyncSession) -> None:
    assert await service.open_granted(session, SEALER, [], owner_id=None) == {}


async def test_a_job_gets_what_it_was_granted(database: Database) -> None:
    job = await make_job(database)
    async with unit_of_work(database) as session:
        secret = await store(session, "A", await _owner(session))
        session.add(JobGrant(secret_id=secret.id, job_id=job.id))
        await session.flush()

        opened = await service.open_granted(session, SEALER, ["A"], owner_id=job.owner_id, job_id=job.id)

    assert opened == {"A": "value of A"}


async def _owner(session: AsyncSession) -> UUID:
    new = NewUser(email=f"{new_id().hex}@example.com", name="Ada")
    return (await users.create_user(session, new, password_hash=PASSWORD_HASH)).id
