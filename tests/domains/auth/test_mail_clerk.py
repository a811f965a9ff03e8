"""What strangers asked for is found out later, and their addresses are forgotten."""

import asyncio

import httpx
import sqlalchemy as sa
from fastapi import FastAPI
from sqlmodel import col, select

from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.auth import mail_clerk
from stationmaster.domains.auth.mail_clerk import MailClerk, work_off
from stationmaster.domains.auth.models import MailRequest
from stationmaster.domains.outbox.models import Message
from tests.support.executions import eventually
from tests.support.people import make_user

RESET = "/api/v1/auth/password-reset"


async def ask(client: httpx.AsyncClient, *names: str) -> None:
    for name in names:
        await client.post(RESET, json={"email": f"{name}@example.com"})


async def waiting(app: FastAPI) -> list[str | None]:
    async with read_only(app.state.database) as session:
        statement = select(MailRequest.email).where(col(MailRequest.email).is_not(None))
        return sorted(await session.scalars(statement), key=str)


async def count_mails(app: FastAPI) -> int:
    async with read_only(app.state.database) as session:
        return await session.scalar(sa.select(sa.func.count()).select_from(Message)) or 0


async def test_the_answer_comes_before_anything_is_found_out(app: FastAPI, client: httpx.AsyncClient) -> None:
    await make_user(app.state.database, email="ada@example.com")

    await ask(client, "ada", "nobody")

    assert await waiting(app) == ["ada@example.com", "nobody@example.com"]
    assert await count_mails(app) == 0


async def test_addresses_are_forgotten(app: FastAPI, client: httpx.AsyncClient) -> None:
    await make_user(app.state.database, email="ada@example.com")
    await ask(client, "ada", "nobody")

    async with unit_of_work(app.state.database) as session:
        assert await work_off(session, app.state.outbox) == 2

    assert (await waiting(app), await count_mails(app)) == ([], 1)


async def test_a_request_is_worked_off_once_by_two_replicas(app: FastAPI, client: httpx.AsyncClient) -> None:
    await make_user(app.state.database, email="ada@example.com")
    await ask(client, "ada")

    async def work() -> int:
        async with unit_of_work(app.state.database) as session:
            return await work_off(session, app.state.outbox)

    assert sum(await asyncio.gather(work(), work())) == 1
    assert await count_mails(app) == 1


async def test_works_by_itself_when_woken(app: FastAPI, client: httpx.AsyncClient) -> None:
    names = [f"name{number}" for number in range(mail_clerk.BATCH + 1)]

    async def nothing_waits() -> bool:
        return await waiting(app) == []

    async with asyncio.TaskGroup() as group:
        working = group.create_task(MailClerk(app.state.database, app.state.outbox).run())
        await ask(client, *names)
        await eventually(nothing_waits, seconds=2)
        working.cancel()
