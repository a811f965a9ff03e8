"""Logging in and out, and asking who one is."""

from typing import Annotated

from fastapi import APIRouter, Form, Response, status

from stationmaster.domains.api_keys.schemas import UsageRead
from stationmaster.domains.auth import logout
from stationmaster.domains.auth.desk import DeskDep
from stationmaster.domains.auth.errors import OnlyForApiKeys
from stationmaster.domains.auth.schemas import (
    ActorRead,
    CookieSession,
    Login,
    LoginForm,
    LoginResult,
    LogoutRequest,
    RefreshRequest,
    TokenPair,
)
from stationmaster.identity.dependencies import AnyActor, AnyPerson
from stationmaster.web.limits import LimitClass, limited_as
from stationmaster.web.openapi import problems
from stationmaster.web.operation import Operation
from stationmaster.web.session import ReadSessionDep, SessionDep

router = APIRouter(prefix="/auth", tags=["auth"], route_class=Operation)


@router.post(
    "/login",
    summary="Log in",
    responses=problems(401, 403, 429),
    openapi_extra=limited_as(LimitClass.LOGIN),
)
async def log_in(body: Login, desk: DeskDep, response: Response) -> LoginResult | CookieSession:
    """Open a session with an e-mail address or a user name, in any case, and a password.

    Programs get the tokens. Browsers ask for `cookie: true`: the tokens come as cookies that no script can read, and
    each later call that changes something sends `csrf_token` as `X-CSRF-Token`.

    An unknown account and a wrong password have the same answer. After a few failures in a row further tries are
    refused (429, `Retry-After`) for a time that doubles up to a limit.
    """
    if not body.cookie:
        return LoginResult.of(await desk.log_in(body.identifier, body.password))
    desk.cookies.check_origin(desk.request)
    return desk.hand_over(response, await desk.log_in(body.identifier, body.password))


@router.post(
    "/token",
    summary="Log in by OAuth2 form",
    responses=problems(401, 403, 429),
    openapi_extra=limited_as(LimitClass.LOGIN),
)
async def log_in_by_form(form: Annotated[LoginForm, Form()], desk: DeskDep) -> TokenPair:
    """Open a session with the form of the OAuth2 password grant (RFC 6749 section 4.3).

    This is what "Authorize" in the interactive documentation uses. `username` takes an e-mail address, too.
    """
    return TokenPair.of(await desk.log_in(form.username, form.password))


@router.post("/refresh", summary="Exchange a refresh token", responses=problems(401, 403))
async def refresh(desk: DeskDep, response: Response, body: RefreshRequest | None = None) -> TokenPair | CookieSession:
    """Exchange a refresh token for the next pair of tokens; the old one is used up.

    The token is in the body, or in the cookie of a login with `cookie: true`; then `X-CSRF-Token` is needed, and the new
    tokens come as cookies, too.

    If the answer gets lost, the same token works again for ten seconds as long as its successor has not been used. Any
    other second use ends the session: somebody else holds the token.
    """
    if body is not None and body.refresh_token is not None:
        return TokenPair.of(await desk.refresh(body.refresh_token))
    return desk.hand_over(response, await desk.refresh_by_cookie())


@router.post("/logout", summary="Log out", status_code=status.HTTP_204_NO_CONTENT, responses=problems(403))
async def log_out(session: SessionDep, desk: DeskDep, response: Response, body: LogoutRequest | None = None) -> None:
    """End the session of whatever is sent: bearer token, refresh token in the body, cookies.

    It works with tokens whose time is over, and without any: afterwards the session is ended and the cookies are gone.
    With cookies, `X-CSRF-Token` is needed (403 without).
    """
    header = desk.request.headers.get("Authorization", "")
    bearer = header.partition(" ")[2].strip() or None
    named = await logout.find_sessions(session, desk.access, bearer, body.refresh_token if body else None)
    cookies = desk.cookies.access_token(desk.request), desk.cookies.refresh_token(desk.request)
    by_cookie = await logout.find_sessions(session, desk.access, *cookies)
    desk.cookies.check_proof_of_any(desk.request, by_cookie)
    await logout.log_out(session, named | by_cookie)
    if any(cookies):
        desk.cookies.clear(response)


@router.post("/logout-all", summary="Log out everywhere", status_code=status.HTTP_204_NO_CONTENT)
async def log_out_everywhere(session: SessionDep, actor: AnyPerson, desk: DeskDep, response: Response) -> None:
    """End all sessions of your account, this one included."""
    await logout.log_out_everywhere(session, actor.user_id)
    if desk.cookies.access_token(desk.request):
        desk.cookies.clear(response)


@router.get("/me", summary="Who am I?")
async def get_me(actor: AnyActor, session: ReadSessionDep, desk: DeskDep) -> ActorRead:
    """Return who calls, with the role in force; a key's use; and a browser's `csrf_token`."""
    stats = await desk.doorkeeper.usage.stats(session, actor.id) if actor.kind == "api_key" else None
    return ActorRead.of(actor, stats=stats, csrf_token=desk.csrf_token_of(actor))


@router.get("/verify", summary="Is my credential good?")
async def verify_credential(actor: AnyActor, session: ReadSessionDep, desk: DeskDep) -> ActorRead:
    """Answer 200 with the caller while the token or key counts, 401 when it does not."""
    return await get_me(actor, session, desk)


@router.get("/usage-stats", summary="How much is my key used?")
async def get_usage_stats(actor: AnyActor, session: ReadSessionDep, desk: DeskDep) -> UsageRead:
    """Return the statistics of the API key that calls."""
    if actor.kind != "api_key":
        raise OnlyForApiKeys
    return UsageRead.of(await desk.doorkeeper.usage.stats(session, actor.id))
