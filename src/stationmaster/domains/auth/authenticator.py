"""Turning a request's credentials into its caller."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from starlette.requests import HTTPConnection

from stationmaster.config import Settings
from stationmaster.db.engine import Database
from stationmaster.db.notify import Wake, waiting_for
from stationmaster.db.session import read_only
from stationmaster.domains.api_keys import service as api_keys
from stationmaster.domains.api_keys.errors import InvalidApiKey
from stationmaster.domains.api_keys.key_format import KeyText, parse_key
from stationmaster.domains.api_keys.usage import UsageCounter, open_usage_counter
from stationmaster.domains.auth import sessions
from stationmaster.domains.auth.access_tokens import AccessTokens, Claims
from stationmaster.domains.auth.cookies import SAFE_METHODS, Cookies
from stationmaster.domains.auth.errors import InvalidAccessToken
from stationmaster.domains.auth.fresh_cache import FreshCache
from stationmaster.errors import Unauthenticated
from stationmaster.identity.actor import Actor
from stationmaster.web.routes import route_table

# Revocations are promised to have effect within 5 s also where no notice arrives.
MAX_AGE_SECONDS = 4.0
OFFERED = "bearer."


class Programs(Protocol):
    """Whoever knows the programs that call with bearer tokens of a kind of their own."""

    prefix: str
    """By which such a token is known."""

    async def find_actor(self, database: Database, text: str) -> Actor | None:
        """Return the program as a caller, or None when its token does not count."""


class Doorkeeper:
    """Implements `identity.dependencies.Authenticator`: bearer token, API key, or cookie."""

    def __init__(
        self,
        database: Database,
        *,
        access: AccessTokens,
        cookies: Cookies,
        usage: UsageCounter,
        sessions_changed: asyncio.Event,
        keys_changed: asyncio.Event,
        programs: Programs,
    ) -> None:
        self.access = access
        self.cookies = cookies
        self.usage = usage
        self._database = database
        self._programs = programs
        self._by_session: FreshCache[Claims, Actor | None] = FreshCache(sessions_changed, MAX_AGE_SECONDS)
        self._by_key: FreshCache[str, Actor | None] = FreshCache(keys_changed, MAX_AGE_SECONDS)

    async def authenticate(self, request: HTTPConnection) -> Actor | None:
        """Return the caller, or None when the request carries no credentials.

        A header counts before a cookie: browsers send cookies by themselves.

        Raises:
            Unauthenticated: the credentials do not count, or there are two.
            CsrfProofMissing, ForeignOrigin: see `cookies`.
        """
        header, key = request.headers.get("Authorization") or _offered_bearer(request), request.headers.get("X-API-Key")
        if header is not None and key is not None:
            raise Unauthenticated("Send either a bearer token or an API key, not both.")
        if key is not None:
            return await self._by_api_key(request, key)
        if header is not None:
            return await self._by_bearer(_bearer_of(header))
        token = self.cookies.access_token(request)
        return await self._by_cookie(request, token) if token else None

    async def _by_claims(self, claims: Claims) -> Actor:
        actor = await self._by_session.get(claims, lambda: self._find_person(claims))
        if actor is None:
            raise InvalidAccessToken
        return actor

    async def _by_bearer(self, token: str) -> Actor:
        if token.startswith(self._programs.prefix):
            program = await self._programs.find_actor(self._database, token)
            if program is None:
                raise InvalidAccessToken
            return program
        return await self._by_claims(self.access.read(token))

    async def _by_cookie(self, request: HTTPConnection, token: str) -> Actor:
        claims = self.access.read(token)
        if request.scope["type"] == "websocket":
            self.cookies.check_origin(request)  # browsers send cookies along, whoever made the page
        elif request.scope["method"] not in SAFE_METHODS:
            self.cookies.check_proof(request, claims.session_id)
        return await self._by_claims(claims)

    async def _by_api_key(self, request: HTTPConnection, text: str) -> Actor:
        key = parse_key(text)
        actor = await self._by_key.get(key.digest, lambda: self._find_key(key)) if key else None
        if actor is None:
            raise InvalidApiKey
        route = route_table(request.app).find(request.scope)
        self.usage.count(
            actor.id, f"{request.scope.get('method', 'GET')} {route.template if route else request.url.path}"[:200]
        )
        return actor

    async def _find_person(self, claims: Claims) -> Actor | None:
        async with read_only(self._database) as session:
            return await sessions.find_actor(session, claims)

    async def _find_key(self, key: KeyText) -> Actor | None:
        async with read_only(self._database) as session:
            return await api_keys.find_actor(session, key)


@asynccontextmanager
async def open_authenticator(
    database: Database, settings: Settings, secret: str, programs: Programs
) -> AsyncIterator[Doorkeeper]:
    """Give the authenticator of this replica; `secret` is the service's secret key, wherever it came from."""
    async with (
        open_usage_counter(database) as usage,
        waiting_for(database, Wake.IDENTITY) as sessions_changed,
        waiting_for(database, Wake.IDENTITY) as keys_changed,
    ):
        yield Doorkeeper(
            database,
            access=AccessTokens(secret, settings.tokens.access),
            cookies=Cookies.open(settings, secret),
            usage=usage,
            sessions_changed=sessions_changed,
            keys_changed=keys_changed,
            programs=programs,
        )


def _offered_bearer(connection: HTTPConnection) -> str | None:
    """Read the token that a page offers as a subprotocol: browsers let pages set no header of a WebSocket."""
    for offered in connection.scope.get("subprotocols", ()):
        if offered.startswith(OFFERED):
            return f"Bearer {offered.removeprefix(OFFERED)}"
    return None


def _bearer_of(header: str) -> str:
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("The Authorization header takes `Bearer <access token>`.")
    return token.strip()
