"""A real SMTP server on loopback that keeps what it is given."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass
class Postbox:
    """What a server does with mails: keeps them, or answers recipients or contents with a refusal."""

    refuse_recipient: str | None = None
    refuse_content: str | None = None
    received: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    """What was received, byte for byte."""
    was_encrypted: list[bool] = field(default_factory=list)
    port: int = 0

    async def handle_RCPT(  # noqa: N802  # the library's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.refuse_recipient:
            return self.refuse_recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.refuse_content:
            return self.refuse_content
        assert isinstance(envelope.content, bytes)
        self.raw.append(envelope.content)
        self.received.append(message_from_bytes(envelope.content, policy=policy.default))
        self.was_encrypted.append(session.ssl is not None)
        return "250 OK"


@asynccontextmanager
async def running_smtp(
    postbox: Postbox | None = None,
    *,
    tls: ssl.SSLContext | None = None,
    login: tuple[str, str] | None = None,
    from_the_start: bool = False,
) -> AsyncIterator[Postbox]:
    """Serve; with `tls` by STARTTLS, or `from_the_start` of the connection; with `login` only who knows it."""
    box = postbox or Postbox()

    def authenticate(*arguments: Any) -> AuthResult:
        given = arguments[-1]
        assert isinstance(given, LoginPassword)
        return AuthResult(success=login == (given.login.decode(), given.password.decode()))

    def make() -> SMTP:
        upgrade = None if from_the_start else tls
        return SMTP(
            box,
            hostname="localhost",
            tls_context=upgrade,
            require_starttls=upgrade is not None,
            authenticator=authenticate if login else None,
            auth_required=login is not None,
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(make, "127.0.0.1", 0, ssl=tls if from_the_start else None)
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()
