"""Who may do what with a script: the whole matrix, as a function, as SQL, and over HTTP."""

from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from stationmaster.db.session import read_only
from stationmaster.domains.scripts.access import Access, Action, scripts, visible_to
from stationmaster.identity.actor import Actor, Role
from stationmaster.kit.ids import new_id
from tests.support.people import Person, actor_of, make_person

SCRIPTS = "/api/v1/scripts"
OWNER, OTHER, LISTED = new_id(), new_id(), new_id()
ACTIONS = ("see", "download", "log", "run", "change")

# Of a script that is ... for ...: which actions are allowed.
MATRIX: dict[str, dict[str, str]] = {
    "owner_only": {"owner": "see download log run change", "other": "", "listed": "", "role": ""},
    "public": {"owner": "see download log run change", "other": "see run", "listed": "see run", "role": "see run"},
    "restricted": {"owner": "see download log run change", "other": "", "listed": "see run", "role": "see run"},
}


def actor(user_id: UUID = OTHER, role: Role = Role.USER) -> Actor:
    return Actor("user", user_id, user_id, "a", "a@example.com", role)


def allowed(access: Access, who: Actor) -> str:
    return " ".join(name for name in ACTIONS if access.may(who, Action(name)))


@pytest.mark.parametrize(
    ("access", "who", "expected"),
    [
        (Access(OWNER), actor(OWNER), "see download log run change"),
        (Access(OWNER), actor(), ""),
        (Access(OWNER), actor(role=Role.ADMIN), "see download log run change"),
        (Access(OWNER), actor(OWNER, Role.VIEWER), "see"),
        (Access(None), actor(), ""),
        (Access(None), actor(role=Role.ADMIN), "see download log run change"),
        (Access(OWNER, is_public=True), actor(), "see run"),
        (Access(OWNER, is_public=True), actor(role=Role.VIEWER), "see"),
        (Access(OWNER, users=frozenset({OTHER})), actor(), "see run"),
        (Access(OWNER, users=frozenset({OTHER})), actor(LISTED), ""),
        (Access(OWNER, users=frozenset({OTHER})), actor(role=Role.VIEWER), "see"),
        (Access(OWNER, roles=frozenset({Role.USER})), actor(), "see run"),
        (Access(OWNER, roles=frozenset({Role.VIEWER})), actor(), "see run"),
        (Access(OWNER, roles=frozenset({Role.ADMIN})), actor(), ""),
    ],
)
def test_the_rule(access: Access, who: Actor, expected: str) -> None:
    assert allowed(access, who) == expected


class Stage:
    """A running application with a script in each state, and people who are something to it."""

    def __init__(self, app: FastAPI, client: httpx.AsyncClient) -> None:
        self.app = app
        self.client = client
        self.people: dict[str, Person] = {}
        self.scripts: dict[str, str] = {}

    async def fill(self) -> "Stage":
        roles = {"owner": Role.USER, "other": Role.VIEWER, "listed": Role.USER, "role": Role.USER, "admin": Role.ADMIN}
        for name, role in roles.items():
            self.people[name] = await make_person(self.app, role)
        for kind in MATRIX:
            body = {"name": kind, "source": "print()"}
            made = await self.call("POST", SCRIPTS, "owner", json=body)
            self.scripts[kind] = made.json()["slug"]
        await self.call("POST", f"{SCRIPTS}/{self.scripts['public']}/publish", "owner")
        access = f"{SCRIPTS}/{self.scripts['restricted']}/access"
        await self.call("PUT", f"{access}/roles", "owner", json={"roles": ["user"]})
        await self.call("POST", f"{access}/users/{self.people['listed'].id}", "owner")
        return self

    async def call(self, method: str, path: str, by: str, **request: Any) -> httpx.Response:
        headers = self.people[by].headers if by in self.people else {}
        return await self.client.request(method, path, headers=headers, **request)


@pytest.fixture
async def stage(app: FastAPI, client: httpx.AsyncClient) -> Stage:
    return await Stage(app, client).fill()


CALLS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "see": ("GET", "", {}),
    "download": ("GET", "/download", {}),
    "log": ("GET", "/logs", {}),
    "run": ("POST", "/run", {"json": {}}),
    "change": ("PATCH", "", {"json": {"description": "x"}}),
}


async def test_the_matrix_over_http(stage: Stage) -> None:
    """A viewer stands for the other user, so that a listed role is no other user's by accident."""
    seen: dict[tuple[str, str, str], int] = {}
    for kind, slug in stage.scripts.items():
        for who in (*stage.people, "anonymous"):
            for action, (method, path, request) in CALLS.items():
                answer = await stage.call(method, f"{SCRIPTS}/{slug}{path}", who, **request)
                seen[kind, who, action] = answer.status_code

    def expected(kind: str, who: str, action: str) -> int:
        if who == "anonymous":
            return 401
        may = "see download log run change" if who == "admin" else MATRIX[kind][who]
        if who == "other":
            may = may.removesuffix(" run")
        if action in may.split():
            return 202 if action == "run" else 200
        needs_more_than_viewer = who == "other" and action in {"run", "change"}
        return 403 if "see" in may or needs_more_than_viewer else 404

    assert seen == {key: expected(*key) for key in seen}


async def test_the_list_shows_what_may_be_seen(stage: Stage) -> None:
    for who, person in stage.people.items():
        listed = (await stage.call("GET", SCRIPTS, who)).json()["items"]
        may = {kind for kind in MATRIX if who == "admin" or "see" in MATRIX[kind][who]}
        async with read_only(stage.app.state.database) as session:
            rows = await session.scalars(sa.select(scripts.c.slug).where(visible_to(actor_of(person.user))))

        assert {item["name"] for item in listed} == may
        assert set(rows) == {stage.scripts[kind] for kind in may}


async def test_others_do_not_see_to_whom_it_is_open(stage: Stage) -> None:
    shown = (await stage.call("GET", f"{SCRIPTS}/{stage.scripts['restricted']}", "listed")).json()

    assert (shown["restricted"], shown["allowed_users"], shown["allowed_roles"]) == (True, None, None)


async def test_a_private_script_looks_like_none(stage: Stage) -> None:
    foreign = await stage.call("GET", f"{SCRIPTS}/{stage.scripts['owner_only']}", "listed")
    absent = await stage.call("GET", f"{SCRIPTS}/absent", "listed")

    assert foreign.json()["detail"].replace(stage.scripts["owner_only"], "") == absent.json()["detail"].replace(
        "absent", ""
    )
