"""Who calls, as far as that can be told before an operation asks for it: what limits and replays go by.

Nobody is refused here. Credentials that do not count make a stranger, known by address only, and the operation itself says
what it thinks of them.
"""

import hashlib
from dataclasses import dataclass

from starlette.requests import HTTPConnection

from stationmaster.errors import Forbidden, Unauthenticated
from stationmaster.identity.actor import Actor
from stationmaster.kit.addresses import line_of

_CREDENTIALS = ("authorization", "x-api-key", "cookie")


@dataclass(frozen=True)
class Caller:
    """A known actor, or a stranger at an address; `credentials` is a digest of whatever a stranger brought."""

    address: str
    actor: Actor | None = None
    credentials: str = ""

    @property
    def budget(self) -> str:
        """Whose calls are counted together: `user:<id>`, `api_key:<id>` or `ip:<address>`."""
        return f"{self.actor.kind}:{self.actor.id}" if self.actor else f"ip:{self.address}"

    @property
    def owner(self) -> str:
        """To whom an answer belongs: strangers at one address with different credentials are different callers."""
        return self.budget if self.actor else f"{self.budget} {self.credentials}"


async def find_caller(connection: HTTPConnection) -> Caller:
    """Return who calls; asked once for each request."""
    if not hasattr(connection.state, "caller"):
        connection.state.caller = await _find(connection)
    caller: Caller = connection.state.caller
    return caller


async def _find(connection: HTTPConnection) -> Caller:
    host = connection.client.host if connection.client else ""
    address = line_of(host) or "unknown"
    actor = await _authenticate(connection)
    return Caller(address, actor, credentials="" if actor else _digest_credentials(connection))


async def _authenticate(request: HTTPConnection) -> Actor | None:
    try:
        request.state.actor = await request.app.state.authenticator.authenticate(request)
    except (Forbidden, Unauthenticated):
        return None
    actor: Actor | None = request.state.actor
    return actor


def _digest_credentials(connection: HTTPConnection) -> str:
    brought = [connection.headers.get(name, "") for name in _CREDENTIALS]
    return hashlib.sha256("\n".join(brought).encode()).hexdigest() if any(brought) else ""
