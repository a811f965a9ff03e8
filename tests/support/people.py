"""People for tests: accounts with a role, signed in without the 20 ms that a password costs.

ada = await make_person(app, Role.USER)
answer = await client.get("/api/v1/jobs", headers=ada.headers)
"""

from dataclasses import dataclass
from uuid import UUID

from fastapi import FastAPI

from stationmaster.db.engine import Database
from stationmaster.db.session import unit_of_work
from stationmaster.domains.api_keys import service as api_keys
from stationmaster.domains.api_keys.models import ApiKey
from stationmaster.domains.api_keys.service import NewApiKey
from stationmaster.domains.auth import sessions
from stationmaster.domains.auth.authenticator import Doorkeeper
from stationmaster.domains.auth.grant import Grant
from stationmaster.domains.users import service as users
from stationmaster.domains.users.models import User
from stationmaster.domains.users.service import NewUser
from stationmaster.identity.actor import Actor, Role
from stationmaster.kit.ids import new_id
from stationmaster.kit.passwords import hash_password

PASSWORD = "seven silent semaphores"  # everybody's
PASSWORD_HASH = hash_password(PASSWORD)


@dataclass(frozen=True)
class Person:
    """An account with a session of its own."""

    user: User
    grant: Grant

    @property
    def id(self) -> UUID:
        return self.user.id

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.grant.access_token}"}


async def make_user(database: Database, role: Role = Role.USER, **facts: object) -> User:
    """Store an account; `facts` are fields of `NewUser`, with `is_active` besides."""
    name = str(facts.pop("name", f"{role.value}-{new_id().hex[-12:]}"))
    is_active = bool(facts.pop("is_active", True))
    new = NewUser(**{"email": f"{name}@example.com", "name": name, "role": role, **facts})  # type: ignore[arg-type]
    async with unit_of_work(database) as session:
        user = await users.create_user(session, new, password_hash=PASSWORD_HASH)
        user.is_active = is_active
    return user


def actor_of(user: User) -> Actor:
    """Return an account as the caller that it is in a session of its own."""
    return Actor("user", user.id, user.id, user.name, user.email, user.role)


async def sign_in(app: FastAPI, user: User) -> Person:
    """Open a session of an account, as a login would."""
    authenticator: Doorkeeper = app.state.authenticator
    async with unit_of_work(app.state.database) as session:
        grant = await sessions.open_session(
            session, user, access=authenticator.access, settings=app.state.settings.tokens, device_info="tests"
        )
    return Person(user, grant)


async def make_person(app: FastAPI, role: Role = Role.USER, **facts: object) -> Person:
    """Store an account and sign it in."""
    return await sign_in(app, await make_user(app.state.database, role, **facts))


async def make_key(
    app: FastAPI, owner: User, role: Role | None = None, *, scopes: list[str] | None = None
) -> tuple[ApiKey, dict[str, str]]:
    """Make an API key of somebody; return it and the headers of a call with it."""
    async with unit_of_work(app.state.database) as session:
        key, text = await api_keys.create_key(
            session,
            owner,
            NewApiKey(name="tests", role=role or owner.role, scopes=scopes),
            settings=app.state.settings.api_keys,
            outbox=app.state.outbox,
        )
    return key, {"X-API-Key": text}
