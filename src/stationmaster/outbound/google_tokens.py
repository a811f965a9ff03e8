"""Access tokens of a Google service account: a signed assertion, exchanged at its token address (RFC 7523, section 2.1).

Google Identity, "Using OAuth 2.0 for Server to Server Applications": RS256, at most an hour, and the token lives as long.
"""

import asyncio
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode

import jwt

from stationmaster.kit import clock
from stationmaster.kit.json_object import read_object
from stationmaster.kit.service_account import ServiceAccountKey
from stationmaster.outbound.guard import Blocked
from stationmaster.outbound.http import Answer, DispatchClient, NoAnswer

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_SECONDS = 3600
CALL_SECONDS = 20.0
SPARE_SECONDS = 60.0
"""A token is not used any more so long before its end."""
SHORTEST_LIFE_SECONDS = 120.0
LONGEST_REASON = 200
PASSING = 500
"""From this status on the fault is the server's, and passes."""


class TokenRefused(Exception):
    """The key is not accepted; trying again changes nothing."""


class NoToken(Exception):
    """The token address gives no answer that can be used; it may do so later."""


@dataclass(slots=True)
class GoogleTokens:
    """Gives the token of one account for one scope; it is kept until shortly before its end."""

    client: DispatchClient
    key: ServiceAccountKey
    scope: str
    _token: str = ""
    _usable_until: float = 0.0
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def get(self) -> str:
        """Return a token.

        Raises:
            TokenRefused, NoToken
        """
        async with self._asking:
            if not self._token or time.monotonic() >= self._usable_until:
                await self._exchange()
            return self._token

    def forget(self, token: str) -> None:
        """Do not give this token again: it was refused before its end."""
        if self._token == token:
            self._token = ""

    async def _exchange(self) -> None:
        answer = await self._send()
        document = read_object(answer.text)
        if answer.status == 429 or answer.status >= PASSING:
            raise NoToken(f"Google's token address answered {answer.status}.")
        if answer.status != 200:
            said = document.get("error_description") or document.get("error") or "it gives no reason"
            raise TokenRefused(f"Google refuses the credentials ({answer.status}): {str(said)[:LONGEST_REASON]}")
        token, seconds = document.get("access_token"), document.get("expires_in")
        if not isinstance(token, str) or not (token.isascii() and token.isprintable()):
            raise NoToken("Google's token address gave no token.")
        life = float(seconds) if isinstance(seconds, int | float) else SHORTEST_LIFE_SECONDS
        self._token, self._usable_until = token, time.monotonic() + life - SPARE_SECONDS

    async def _send(self) -> Answer:
        body = urlencode({"grant_type": GRANT, "assertion": self._assertion()}).encode()
        headers = {"content-type": "application/x-www-form-urlencoded"}
        try:
            return await self.client.send(
                "POST", self.key.token_uri, headers=headers, body=body, timeout_seconds=CALL_SECONDS
            )
        except (NoAnswer, Blocked) as error:
            raise NoToken(f"No token from Google: {error}") from error
        except TimeoutError as error:
            raise NoToken(f"Google's token address did not answer within {CALL_SECONDS:g} seconds.") from error

    def _assertion(self) -> str:
        now = int(clock.now().timestamp())
        claims = {
            "iss": self.key.email,
            "scope": self.scope,
            "aud": self.key.token_uri,
            "iat": now,
            "exp": now + ASSERTION_SECONDS,
        }
        headers = {"kid": self.key.key_id} if self.key.key_id else None
        return jwt.encode(claims, self.key.private_key, algorithm="RS256", headers=headers)
