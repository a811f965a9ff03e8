"""How every operation of the application comes to its entry: one dependency of the whole application.

It is entered before all others and left after them. So the transaction of the request is over when a refusal is entered in
one of its own, and nothing has been answered yet when a success could not be entered.
"""

from collections.abc import AsyncIterator, Mapping
from itertools import pairwise
from typing import Any
from uuid import UUID

from fastapi import Depends
from starlette.requests import HTTPConnection

from stationmaster.db.session import unit_of_work
from stationmaster.domains.audit.models import Outcome
from stationmaster.domains.audit.slip import Caller, Slip, Topic
from stationmaster.errors import Forbidden, StationmasterError, Unauthenticated
from stationmaster.identity.dependencies import NoCredentials
from stationmaster.identity.scopes import SAFE_METHODS
from stationmaster.kit.addresses import truncate_address
from stationmaster.web.openapi import UNAUDITED
from stationmaster.web.routes import RouteFacts, route_table
from stationmaster.web.session import database_of

_API = "/api/v1/"


async def enter_operation(connection: HTTPConnection) -> AsyncIterator[None]:
    """Enter what the operation changes, or that it was refused."""
    route = route_table(connection.app).find(connection.scope)
    assert route is not None, "routes are added before the first request"
    slip, is_audited = _open_slip(connection, route), _is_audited(connection, route)
    connection.state.before_commit = (slip.enter,) if is_audited else ()
    with slip.under_way():
        try:
            yield
        except (Forbidden, Unauthenticated) as error:
            await _enter_refusal(connection, slip, error)
            raise
        if is_audited:
            await _enter_alone(connection, slip)


Audited = Depends(enter_operation, scope="function")


def _open_slip(connection: HTTPConnection, route: RouteFacts) -> Slip:
    return Slip(
        action=str(route.context.name),
        find_caller=lambda: Caller.of(getattr(connection.state, "actor", None)),
        topic=_topic_of(route.template, connection.path_params),
        request_id=connection.state.request_id,
        address=truncate_address(connection.client.host) if connection.client else None,
    )


def _topic_of(template: str, path_params: Mapping[str, Any]) -> Topic:
    """Read from the address what is meant, until a service says so: `/jobs/{job_id}/pause` is about a job."""
    parts = template.removeprefix(_API).split("/")
    for noun, parameter in reversed(list(pairwise(parts))):
        if parameter.startswith("{"):
            return Topic(_singular(noun), _read_id(path_params.get(parameter.strip("{}"))))
    return Topic(_singular(parts[0]))


def _read_id(text: object) -> str | None:
    # Only ids of ours: anything else in an address may be a secret, or somebody's name.
    try:
        return str(UUID(str(text)))
    except ValueError:
        return None


def _singular(noun: str) -> str:
    word = noun.replace("-", "_")
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-2] if word.endswith("sses") else word.removesuffix("s")


def _is_audited(connection: HTTPConnection, route: RouteFacts) -> bool:
    is_question = route.openapi_extra.items() >= UNAUDITED.items()
    return connection.scope.get("method", "GET") not in SAFE_METHODS and not is_question


async def _enter_refusal(connection: HTTPConnection, slip: Slip, error: StationmasterError) -> None:
    # Who brings no credentials is asked for some; nobody was refused.
    if isinstance(error, NoCredentials):
        return
    outcome = Outcome.DENIED if isinstance(error, Forbidden) else Outcome.FAILED
    async with unit_of_work(database_of(connection)) as session:
        await slip.enter_refusal(session, outcome, error.slug)


async def _enter_alone(connection: HTTPConnection, slip: Slip) -> None:
    """Enter what had no transaction to be entered in."""
    if slip.is_entered or slip.changes_nothing:
        return
    async with unit_of_work(database_of(connection)) as session:
        await slip.enter(session)
