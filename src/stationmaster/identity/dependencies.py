"""Dependencies by which a router says who may call.

The authenticator is put on `app.state.authenticator` by the lifespan; nothing here knows how it works.
"""

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Annotated, Any, Protocol

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, APIKeyHeader, HTTPBearer, OAuth2PasswordBearer
from starlette.requests import HTTPConnection

from stationmaster.errors import Forbidden, Unauthenticated
from stationmaster.identity.actor import Actor, Role
from stationmaster.identity.caller import find_caller
from stationmaster.identity.scopes import needed_scopes
from stationmaster.web.idempotency import AnswerBook
from stationmaster.web.idempotency_request import read_key


class NoCredentials(Unauthenticated):
    """No credentials were sent."""

    def __init__(self) -> None:
        super().__init__("Send a bearer token or an X-API-Key header.")


class Authenticator(Protocol):
    """What turns a request's credentials into an actor."""

    async def authenticate(self, request: HTTPConnection) -> Actor | None:
        """Return the caller, or None when the request carries no credentials.

        Raises:
            Unauthenticated: credentials are there and are not valid (unknown, expired, revoked, deactivated).
            Forbidden: a browser's cookie is valid, and the proof that the page is ours is missing.
        """


_password_flow = OAuth2PasswordBearer(tokenUrl="/api/v1/auth/token", auto_error=False)
_bearer = HTTPBearer(auto_error=False, description="An access token from POST /auth/login.")
_api_key = APIKeyHeader(name="X-API-Key", auto_error=False, description="An API key, `sm_...`.")
_cookie = APIKeyCookie(
    name="__Host-stationmaster",
    auto_error=False,
    description="The cookie of a login with `cookie: true`. Other methods than GET need `X-CSRF-Token` besides.",
)


async def find_actor(
    request: Request,
    _password: Annotated[object, Security(_password_flow)] = None,
    _token: Annotated[object, Security(_bearer)] = None,
    _key: Annotated[object, Security(_api_key)] = None,
    _session: Annotated[object, Security(_cookie)] = None,
) -> Actor | None:
    """Return who calls, or None for an anonymous call; the parameters only document the ways in OpenAPI.

    Raises:
        Unauthenticated: the credentials do not count.
        Forbidden: an API key calls whose scopes do not cover this operation, or an execution by its own token.
    """
    actor = await _authenticate(request)
    if actor is not None and actor.kind == "execution":
        raise Forbidden("The token of an execution is for reports on that execution.")
    return actor


async def _authenticate(connection: HTTPConnection) -> Actor | None:
    if not hasattr(connection.state, "actor"):
        authenticator: Authenticator = connection.app.state.authenticator
        connection.state.actor = await authenticator.authenticate(connection)
    actor: Actor | None = connection.state.actor
    if actor is not None and actor.scopes is not None:
        _check_scope(connection, actor.scopes)
    return actor


def _check_scope(connection: HTTPConnection, scopes: frozenset[str]) -> None:
    missing = sorted(needed_scopes(connection.app, connection.scope) - scopes)
    if missing:
        raise Forbidden(f"This API key lacks the scope {' and '.join(missing)}.")


async def get_actor(actor: Annotated[Actor | None, Depends(find_actor)]) -> Actor:
    """Return who calls.

    Raises:
        NoCredentials: nobody does.
    """
    if actor is None:
        raise NoCredentials
    return actor


def require_role(role: Role) -> Callable[..., Coroutine[Any, Any, Actor]]:
    """Make a dependency that lets only callers of `role` or above pass."""

    async def check(actor: Annotated[Actor, Depends(get_actor)]) -> Actor:
        return _check_role(actor, role)

    return check


def _check_role(actor: Actor, role: Role) -> Actor:
    if not actor.is_verified:
        raise Forbidden("Verify your e-mail address first.")
    if not actor.role.includes(role):
        raise Forbidden(f"This needs the role {role.value} or above; yours is {actor.role.value}.")
    return actor


async def get_reporter(
    request: Request,
    _password: Annotated[object, Security(_password_flow)] = None,
    _token: Annotated[object, Security(_bearer)] = None,
    _key: Annotated[object, Security(_api_key)] = None,
    _session: Annotated[object, Security(_cookie)] = None,
) -> Actor:
    """Return an execution that calls by its own token, or an administrator; of which execution is for the operation to see.

    Raises:
        NoCredentials: nobody calls.
        Forbidden: somebody else does.
    """
    actor = await _authenticate(request)
    if actor is None:
        raise NoCredentials
    return actor if actor.kind == "execution" else _check_role(actor, Role.ADMIN)


async def get_user_or_execution(
    request: Request,
    _password: Annotated[object, Security(_password_flow)] = None,
    _token: Annotated[object, Security(_bearer)] = None,
    _key: Annotated[object, Security(_api_key)] = None,
    _session: Annotated[object, Security(_cookie)] = None,
) -> Actor:
    """Return an execution that calls by its own token, or a user; what each may do is for the operation to see.

    Raises:
        NoCredentials: nobody calls.
        Forbidden: somebody else does.
    """
    actor = await _authenticate(request)
    if actor is None:
        raise NoCredentials
    return actor if actor.kind == "execution" else _check_role(actor, Role.USER)


async def authenticate_stream(connection: HTTPConnection) -> Actor:
    """Return who opened a stream, proven anew at each call, so that a stream can ask again while it goes on.

    Raises:
        NoCredentials: nobody did.
        Unauthenticated, Forbidden: the credentials do not count any more, or do not suffice.
    """
    authenticator: Authenticator = connection.app.state.authenticator
    actor = await authenticator.authenticate(connection)
    if actor is None:
        raise NoCredentials
    if actor.kind == "execution":
        raise Forbidden("The token of an execution is for reports on that execution.")
    if actor.scopes is not None:
        _check_scope(connection, actor.scopes)
    return _check_role(actor, Role.VIEWER)


async def get_person(actor: Annotated[Actor, Depends(get_actor)]) -> Actor:
    """Return a person who calls in a session of their own, verified or not.

    Raises:
        Forbidden: an API key calls; keys do not act on the account they belong to.
    """
    if actor.kind != "user":
        raise Forbidden("This needs a person's session; API keys do not do it.")
    return actor


async def get_verified_person(actor: Annotated[Actor, Depends(get_person)]) -> Actor:
    """Return a person who calls in a session of their own and has proven an address.

    Raises:
        Forbidden: an API key calls, or somebody who has not verified yet.
    """
    return _check_role(actor, Role.VIEWER)


OptionalActor = Annotated[Actor | None, Depends(find_actor)]
AnyActor = Annotated[Actor, Depends(get_actor)]
"""Also callers who have not verified their address yet: only for what they need to do so and to leave."""
AnyPerson = Annotated[Actor, Depends(get_person)]
CurrentPerson = Annotated[Actor, Depends(get_verified_person)]
CurrentActor = Annotated[Actor, Depends(require_role(Role.VIEWER))]
RequireUser = Annotated[Actor, Depends(require_role(Role.USER))]
RequireAdmin = Annotated[Actor, Depends(require_role(Role.ADMIN))]
Reporter = Annotated[Actor, Depends(get_reporter)]
"""An execution by its own token, or an administrator."""
UserOrExecution = Annotated[Actor, Depends(get_user_or_execution)]
"""An execution by its own token, or a user."""
RequireSuperadmin = Annotated[Actor, Depends(require_role(Role.SUPERADMIN))]


async def answer_once(connection: HTTPConnection) -> AsyncIterator[None]:
    """Carry a POST with an `Idempotency-Key` out once for each caller; see `web.idempotency`."""
    if not isinstance(connection, Request) or (key := read_key(connection)) is None:
        yield
        return
    book: AnswerBook = connection.app.state.answer_book
    async with book.once(connection, (await find_caller(connection)).owner, key):
        yield


# Entered before the request's transaction opens and left after it is over.
AnsweredOnce = Depends(answer_once, scope="function")
