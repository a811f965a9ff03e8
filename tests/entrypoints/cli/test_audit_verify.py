"""`stationmaster audit-verify`; what it can find is tested where it is found."""

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from stationmaster.db import migrate
from stationmaster.db.engine import Database, open_database
from stationmaster.db.session import unit_of_work
from stationmaster.domains.audit import sealing
from stationmaster.domains.audit.chain import SealKey
from stationmaster.domains.audit.models import ActorKind, AuditLog, Outcome
from stationmaster.entrypoints.cli.house import run
from tests.domains.audit.reading import disarm
from tests.entrypoints.cli.conftest import Command

SECRET = "a secret key of the tests, long enough"


@pytest.fixture
def sealed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Store three sealed entries."""
    monkeypatch.setenv("STATIONMASTER_SECRET_KEY", SECRET)

    async def write(database: Database) -> None:
        async with unit_of_work(database) as session:
            session.add_all(
                AuditLog(actor_kind=ActorKind.OPERATOR, action="tests", outcome=Outcome.SUCCESS) for _ in range(3)
            )
            await session.flush()
            await sealing.seal(session, SealKey.of(SECRET))

    work_on(folder, write)
    return folder


def work_on(folder: Path, work: object) -> None:
    async def go() -> None:
        url = f"sqlite+aiosqlite:///{folder / 'stationmaster.sqlite3'}"
        await migrate.upgrade(url)
        async with open_database(url) as database:
            await work(database)  # type: ignore[operator]  # both tests hand in a coroutine function

    run(go())


async def tamper(database: Database) -> None:
    await disarm(database)
    async with unit_of_work(database) as session:
        await session.execute(sa.update(AuditLog).values(action="nothing"))


def test_an_intact_chain_is_told_with_its_end(command: Command, sealed: Path) -> None:
    result = command("audit-verify")

    assert 0 == result.exit_code
    assert "3 entries in 1 seals are what was signed; 0 wait" in result.stdout
    assert "--seal 1 --digest " in result.stdout


def test_an_end_that_was_seen_before_must_still_be_there(command: Command, sealed: Path) -> None:
    verdict = json.loads(command("audit-verify", "--json").stdout)
    seen = command("audit-verify", "--seal", "1", "--digest", verdict["head"]["digest"])
    cut_off = command("audit-verify", "--seal", "2", "--digest", "0" * 64)

    assert (0, 1) == (seen.exit_code, cut_off.exit_code)
    assert "seal missing (seal 2)" in cut_off.stdout


def test_a_changed_entry_is_named(command: Command, sealed: Path) -> None:
    work_on(sealed, tamper)
    result = command("audit-verify", "--json")

    assert 1 == result.exit_code
    assert ("entry", "changed", 1) == tuple(
        json.loads(result.stdout)["broken"][key] for key in ("what", "fault", "sequence")
    )


def test_half_an_end_is_refused(command: Command, sealed: Path) -> None:
    assert 2 == command("audit-verify", "--seal", "1").exit_code
