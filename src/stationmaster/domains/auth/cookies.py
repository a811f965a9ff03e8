"""Sessions of browsers: cookies that scripts cannot read, and the proof that a page of ours made the call.

Three cookies, all host-only:

    __Host-stationmaster             the access token; HttpOnly
    __Secure-stationmaster-refresh   the refresh token; HttpOnly, sent to /api/v1/auth only
    __Host-stationmaster-csrf        the CSRF token, for scripts of ours to read

The browser enforces what the prefixes say: no other host or path can plant them (RFC 6265bis section 4.1.3). Without HTTPS
(`cookies.secure` off) they have no prefix.

Browsers send cookies whoever made the page. So every method but GET, HEAD and OPTIONS needs the header `X-CSRF-Token`, which
a foreign page can neither read nor make: an HMAC of the session's id. And an `Origin`, if there is one, must be ours.
"""

import hmac
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit
from uuid import UUID

from starlette.requests import HTTPConnection
from starlette.responses import Response

from stationmaster.config import Settings
from stationmaster.domains.auth.errors import CsrfProofMissing, ForeignOrigin
from stationmaster.domains.auth.grant import Grant
from stationmaster.kit import clock, tokens
from stationmaster.kit.keys import derive_key

REFRESH_PATH = "/api/v1/auth"
CSRF_HEADER = "X-CSRF-Token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Cookies:
    """Writes, reads and guards the cookies of sessions."""

    is_secure: bool
    same_site: Literal["lax", "strict"]
    origins: frozenset[str]
    key: bytes

    @classmethod
    def open(cls, settings: Settings, secret: str) -> "Cookies":
        """Make what the settings say; all replicas have the same secret."""
        origins = frozenset({*settings.cors_origins, _origin_of(settings.public_url)})
        return cls(settings.cookies.secure, settings.cookies.same_site, origins, derive_key(secret, "csrf"))

    def access_token(self, request: HTTPConnection) -> str | None:
        return request.cookies.get(self._access_name)

    def refresh_token(self, request: HTTPConnection) -> str | None:
        return request.cookies.get(self._refresh_name)

    def csrf_token(self, session_id: UUID) -> str:
        """Return the proof that belongs to a session."""
        return hmac.digest(self.key, session_id.bytes, "sha256").hex()

    def check_proof(self, request: HTTPConnection, session_id: UUID) -> None:
        """Check that a page of ours made a call that changes something.

        Raises:
            ForeignOrigin: the browser says that another site's did.
            CsrfProofMissing: the header is absent, or another session's.
        """
        self.check_proof_of_any(request, {session_id})

    def check_proof_of_any(self, request: HTTPConnection, session_ids: Collection[UUID]) -> None:
        """Check the proof where cookies name several sessions (of two browsers' tabs, say); none named needs none.

        Raises:
            ForeignOrigin, CsrfProofMissing: see `check_proof`.
        """
        if not session_ids:
            return
        self.check_origin(request)
        given = request.headers.get(CSRF_HEADER, "")
        if not any(tokens.is_same(given, self.csrf_token(session_id)) for session_id in session_ids):
            raise CsrfProofMissing

    def check_origin(self, request: HTTPConnection) -> None:
        """Check that the browser, if it says where the call comes from, names one of our places.

        Raises:
            ForeignOrigin: it names another.
        """
        origin = request.headers.get("Origin")
        scheme = request.url.scheme.replace("ws", "http")  # of a WebSocket, the page's
        own = f"{scheme}://{request.headers.get('Host', '')}"
        if origin is not None and origin not in self.origins and origin != own:
            raise ForeignOrigin

    def write(self, response: Response, grant: Grant) -> None:
        """Put a new pair of tokens and the session's proof into the browser."""
        refresh_seconds = int((grant.refresh_expires_at - clock.now()).total_seconds())
        self._set(response, self._access_name, grant.access_token, seconds=grant.expires_in_seconds)
        self._set(response, self._refresh_name, grant.refresh_token, seconds=refresh_seconds, path=REFRESH_PATH)
        csrf_token = self.csrf_token(grant.session_id)
        self._set(response, self._csrf_name, csrf_token, seconds=refresh_seconds, is_readable=True)

    def clear(self, response: Response) -> None:
        """Take all three out of the browser."""
        self._set(response, self._access_name, "", seconds=0)
        self._set(response, self._refresh_name, "", seconds=0, path=REFRESH_PATH)
        self._set(response, self._csrf_name, "", seconds=0, is_readable=True)

    def _set(
        self, response: Response, name: str, value: str, *, seconds: int, path: str = "/", is_readable: bool = False
    ) -> None:
        response.set_cookie(
            name,
            value,
            max_age=seconds,
            path=path,
            secure=self.is_secure,
            httponly=not is_readable,
            samesite=self.same_site,
        )

    @property
    def _access_name(self) -> str:
        return "__Host-stationmaster" if self.is_secure else "stationmaster"

    @property
    def _refresh_name(self) -> str:
        return "__Secure-stationmaster-refresh" if self.is_secure else "stationmaster-refresh"

    @property
    def _csrf_name(self) -> str:
        return f"{self._access_name}-csrf"


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
