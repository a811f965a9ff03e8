"""Access tokens: short-lived JWTs (RFC 9068) with one pinned algorithm and every claim required (RFC 8725)."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import jwt

from stationmaster.domains.auth.errors import InvalidAccessToken
from stationmaster.kit import clock
from stationmaster.kit.ids import new_id
from stationmaster.kit.keys import derive_key

ALGORITHM = "HS256"
TYPE = "at+jwt"
ISSUER = AUDIENCE = "stationmaster"
REQUIRED = ["iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp"]
# Replicas' clocks differ a little; a token of one must not be "not valid yet" at another.
LEEWAY = timedelta(seconds=5)
# Ours have about 450 characters. What is longer is refused unread.
MAX_LENGTH = 2048


@dataclass(frozen=True)
class Claims:
    """Whose call it is and in which session."""

    user_id: UUID
    session_id: UUID


class AccessTokens:
    """Issues and reads access tokens with a key derived from the service's secret."""

    def __init__(self, secret: str, lifetime: timedelta) -> None:
        self._key = derive_key(secret, "access tokens")
        self.lifetime = lifetime

    def issue(self, claims: Claims) -> str:
        """Make a token that lasts `lifetime` from now."""
        now = clock.now()
        payload = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(claims.user_id),
            "sid": str(claims.session_id),
            "jti": str(new_id()),
            "iat": now,
            "nbf": now,
            "exp": now + self.lifetime,
        }
        return jwt.encode(payload, self._key, algorithm=ALGORITHM, headers={"typ": TYPE})

    def read(self, token: str, *, allow_expired: bool = False) -> Claims:
        """Check a token and return what it says; a log-out may come with one whose time is over.

        Raises:
            InvalidAccessToken: it is not one of ours, or its time is over.
        """
        if len(token) > MAX_LENGTH:
            raise InvalidAccessToken
        try:
            decoded = jwt.decode_complete(
                token,
                self._key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                leeway=LEEWAY,
                options={"require": REQUIRED, "strict_aud": True, "verify_exp": not allow_expired},
            )
            if decoded["header"].get("typ") != TYPE:
                raise InvalidAccessToken
            payload = decoded["payload"]
            return Claims(user_id=UUID(payload["sub"]), session_id=UUID(payload["sid"]))
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError) as error:
            raise InvalidAccessToken from error
