"""What the endpoints of this room have in common: the counter at which people prove who they are."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Response

from stationmaster.db.session import read_only
from stationmaster.domains.auth import login, logout, proof, refreshing
from stationmaster.domains.auth.access_tokens import AccessTokens
from stationmaster.domains.auth.authenticator import Doorkeeper
from stationmaster.domains.auth.cookies import Cookies
from stationmaster.domains.auth.errors import InvalidRefreshToken
from stationmaster.domains.auth.grant import Grant
from stationmaster.domains.auth.schemas import CookieSession
from stationmaster.domains.outbox.dependencies import OutboxDep
from stationmaster.domains.users.models import User
from stationmaster.identity.actor import Actor
from stationmaster.web.application import DatabaseDep, SettingsDep

MAX_AGENT = 400


@dataclass(frozen=True)
class Desk:
    """Everything that proving and opening a session needs."""

    request: Request
    database: DatabaseDep
    settings: SettingsDep
    outbox: OutboxDep

    @property
    def doorkeeper(self) -> Doorkeeper:
        authenticator: Doorkeeper = self.request.app.state.authenticator
        return authenticator

    @property
    def access(self) -> AccessTokens:
        return self.doorkeeper.access

    @property
    def cookies(self) -> Cookies:
        return self.doorkeeper.cookies

    @property
    def min_length(self) -> int:
        return self.settings.login.password_min_length

    async def log_in(self, identifier: str, password: str) -> Grant:
        """See `login.log_in`."""
        agent = self.request.headers.get("User-Agent", "unknown")
        address = self.request.client.host if self.request.client else "unknown address"
        return await login.log_in(
            self.database,
            identifier=identifier,
            password=password,
            access=self.access,
            settings=self.settings,
            device_info=f"{agent[:MAX_AGENT]} ({address})",
        )

    async def refresh(self, refresh_token: str) -> Grant:
        """See `refreshing.refresh`."""
        return await refreshing.refresh(
            self.database, refresh_token, access=self.access, settings=self.settings.tokens, outbox=self.outbox
        )

    async def refresh_by_cookie(self) -> Grant:
        """Exchange the refresh token of the browser's cookie.

        Raises:
            InvalidRefreshToken: there is none that counts.
            CsrfProofMissing, ForeignOrigin: see `cookies`.
        """
        token = self.cookies.refresh_token(self.request)
        async with read_only(self.database) as session:
            session_id = await logout.find_session_of(session, token)
        if token is None or session_id is None:
            raise InvalidRefreshToken
        self.cookies.check_proof(self.request, session_id)
        return await self.refresh(token)

    def hand_over(self, response: Response, grant: Grant) -> CookieSession:
        """Put the tokens of a grant into the browser's cookies; the answer has what scripts may know."""
        self.cookies.write(response, grant)
        return CookieSession.of(grant, csrf_token=self.cookies.csrf_token(grant.session_id))

    def csrf_token_of(self, actor: Actor) -> str | None:
        """Return the proof of a browser's session; None for callers that need none."""
        if actor.session_id is None or "Authorization" in self.request.headers:
            return None
        return self.cookies.csrf_token(actor.session_id)

    async def prove_own(self, actor: Actor, password: str) -> User:
        """See `proof.prove_own`. Call it before the first statement of the request's own transaction."""
        return await proof.prove_own(self.database, actor.user_id, password, self.settings.login)


DeskDep = Annotated[Desk, Depends()]
