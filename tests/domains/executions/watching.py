"""Executions that speak while tests watch: an application, its people, and a writer at work."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import sqlalchemy as sa
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection, connect

from stationmaster.db.engine import Database
from stationmaster.db.notify import Wake, notify
from stationmaster.db.session import unit_of_work
from stationmaster.domains.executions import queue
from stationmaster.domains.executions.journals.attempt_journal import AttemptJournal
from stationmaster.domains.executions.journals.writer import JournalWriter
from stationmaster.domains.executions.models import Execution
from stationmaster.domains.executions.queue import Result
from stationmaster.domains.executions.states import State
from stationmaster.identity.actor import Role
from stationmaster.kit import clock
from stationmaster.kit.ids import new_id
from stationmaster.setting_groups import JournalSettings
from tests.support.executions import make_spec, store
from tests.support.people import Person, make_person

ENDS = ("completed", "failed")
Message = dict[str, Any]


@dataclass
class Speaker:
    """A running execution whose attempt is in the hands of the test."""

    database: Database
    journal: AttemptJournal

    @property
    def id(self) -> UUID:
        return self.journal.execution_id

    async def say(self, *lines: str) -> None:
        for line in lines:
            await self.journal.feed(f"{line}\n".encode())

    async def end(self, state: State = State.SUCCEEDED) -> None:
        """End the attempt, and with it the execution."""
        await self.journal.close()
        now = clock.now()
        result = Result(self.id, self.journal.token, 1, state, state, None, now, now, duration_seconds=1.0)
        async with unit_of_work(self.database) as session:
            await queue.finish(session, [result], worker="w1")
            notify(session, Wake.JOURNAL, about=[self.id])


@dataclass
class Theatre:
    """An application with one person of each role, and its writer of journals."""

    app: FastAPI
    client: httpx.AsyncClient
    writer: JournalWriter
    owner: Person
    stranger: Person
    viewer: Person
    admin: Person

    @property
    def database(self) -> Database:
        database: Database = self.app.state.database
        return database

    async def speaker(self) -> Speaker:
        """Begin an execution of the owner's."""
        [id_] = await store(self.database, make_spec(), owner_id=self.owner.id)
        async with unit_of_work(self.database) as session:
            [claimed] = await queue.claim(session, [id_], worker="w1", token=new_id(), lease=timedelta(minutes=1))
        return Speaker(self.database, self.writer.open(claimed))

    async def get(self, path: str, by: Person | None = None) -> httpx.Response:
        return await self.client.get(f"/api/v1/executions{path}", headers=(by or self.owner).headers)

    async def watched(self, speaker: Speaker) -> None:
        """Wait until somebody watches."""
        while (Wake.JOURNAL, str(speaker.id)) not in self.database.waiters:
            await asyncio.sleep(0.01)

    async def set(self, id_: UUID, **columns: Any) -> None:
        async with unit_of_work(self.database) as session:
            await session.execute(sa.update(Execution).where(sa.column("id") == id_).values(**columns))


@asynccontextmanager
async def theatre_of(app: FastAPI, client: httpx.AsyncClient, **settings: Any) -> AsyncIterator[Theatre]:
    """Open a theatre; close its writer at the end."""
    people = [await make_person(app, role) for role in (Role.USER, Role.USER, Role.VIEWER, Role.ADMIN)]
    writer = JournalWriter(app.state.database, JournalSettings(**settings), app.state.sealer)
    async with asyncio.TaskGroup() as group:
        writing = group.create_task(writer.run())
        yield Theatre(app, client, writer, *people)
        writing.cancel()


async def read_events(answer: httpx.Response) -> AsyncIterator[tuple[str, Message]]:
    """Read server-sent events as a browser does."""
    fields: dict[str, str] = {}
    async for line in answer.aiter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "event" in fields:
            data = json.loads(fields["data"])
            assert fields["id"] == str(data["sequence"])
            yield fields["event"], data
            fields = {}


async def collect(host: str, path: str, person: Person, *, last: int | None = None, most: int | None = None) -> Any:
    """Follow a stream to its end, or cut it after so many events; return the events."""
    headers = person.headers | ({"Last-Event-ID": str(last)} if last is not None else {})
    found: list[tuple[str, Message]] = []
    url = f"http://{host}/api/v1/executions{path}"
    async with httpx.AsyncClient(timeout=20) as client, client.stream("GET", url, headers=headers) as answer:
        assert answer.status_code in {200, 204}, await answer.aread()
        async for event in read_events(answer):
            found.append(event)
            if len(found) == most:
                break
    return found


@asynccontextmanager
async def socket_of(host: str, person: Person | None, **options: Any) -> AsyncIterator[ClientConnection]:
    """Open a WebSocket."""
    headers = {**(person.headers if person else {}), **options.pop("headers", {})}
    async with connect(f"ws://{host}/api/v1/executions/stream", additional_headers=headers, **options) as socket:
        yield socket


async def receive(socket: ClientConnection, until: Sequence[str]) -> list[Message]:
    """Read messages up to one of these types."""
    found: list[Message] = []
    async with asyncio.timeout(20):
        while not found or found[-1]["type"] not in until:
            message = json.loads(await socket.recv())
            found += message if isinstance(message, list) else [message]
    return found
