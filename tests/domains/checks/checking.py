"""Making checks, letting time pass for them, and reading what people were told."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import sqlalchemy as sa
from fastapi import FastAPI
from sqlmodel import col

from stationmaster.db.leases import Lease
from stationmaster.db.session import unit_of_work
from stationmaster.domains.checks import watch
from stationmaster.domains.checks.models import Check
from stationmaster.identity.actor import Role
from stationmaster.kit import clock
from tests.support.people import Person, make_person

CHECKS = "/api/v1/checks"


@dataclass
class Post:
    """A running application, and somebody who has checks."""

    app: FastAPI
    client: httpx.AsyncClient
    owner: Person

    @classmethod
    async def open(cls, app: FastAPI, client: httpx.AsyncClient) -> "Post":
        post = cls(app, client, await make_person(app, Role.USER))
        await post.listen_for(timedelta(days=1))
        return post

    async def create(self, **fields: Any) -> dict[str, Any]:
        body = {"name": "backup", "grace_seconds": 60} | fields
        if not {"cron_expression", "job_id"} & fields.keys():
            body.setdefault("period_seconds", 3600)
        answer = await self.client.post(CHECKS, json=body, headers=self.owner.headers)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def read(self, check: dict[str, Any]) -> dict[str, Any]:
        answer = await self.client.get(f"{CHECKS}/{check['id']}", headers=self.owner.headers)
        return dict(answer.json())

    async def ping(
        self, check: dict[str, Any], signal: str = "", *, method: str = "GET", **options: Any
    ) -> httpx.Response:
        """Send a sign of life, as a program elsewhere does."""
        path = check["ping_url"].removeprefix("http://127.0.0.1:8000") + signal
        return await self.client.request(method, path, **options)

    async def let_pass(self, check: dict[str, Any], seconds: float) -> str:
        """Let time pass for a check, have all checks looked at, and return its state."""
        await self.shift(check, seconds)
        await self.look()
        return str((await self.read(check))["state"])

    async def shift(self, check: dict[str, Any], seconds: float) -> None:
        """Let everything that a check knows of have been so much earlier."""
        earlier = timedelta(seconds=seconds)
        names = ("due_at", "down_at", "last_ping_at", "last_start_at", "state_changed_at", "reminded_at", "created_at")
        async with unit_of_work(self.app.state.database) as session:
            row = await session.get_one(Check, UUID(check["id"]))
            for name in names:
                if getattr(row, name) is not None:
                    setattr(row, name, getattr(row, name) - earlier)

    async def look(self) -> int:
        """Do the duty once."""
        async with unit_of_work(self.app.state.database) as session:
            return await watch.watch(session)

    async def listen_for(self, span: timedelta) -> None:
        """Have the service listened for so long."""
        await self.look()
        async with unit_of_work(self.app.state.database) as session:
            ours = sa.update(Lease).where(col(Lease.name) == watch.LISTENING)
            await session.execute(ours.values(acquired_at=clock.now() - span))

    async def told(self, person: Person | None = None) -> list[str]:
        """Return the titles of what somebody was told, oldest first."""
        headers = (person or self.owner).headers
        answer = await self.client.get("/api/v1/notifications", headers=headers)
        return [item["title"] for item in answer.json()["items"]][::-1]
