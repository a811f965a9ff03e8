"""Mails: sent by SMTP, or in development written where a developer sees them.

A mail is told apart by its `Message-ID`: sending it again sends the same one, so a receiver recognises it.
"""

import asyncio
import ssl
import sys
from dataclasses import dataclass
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Protocol, assert_never

import aiosmtplib

from stationmaster.config import MailSettings
from stationmaster.kit import clock, tokens

# Greeting, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA: each may take the whole time-out, and all of them not more than this.
STEPS = 8
AUTHENTICATION_FAILED = 535


@dataclass(frozen=True)
class Mail:
    """One mail to one recipient; `key` is the same whenever the same mail is sent again."""

    key: str
    recipient: str
    subject: str
    text: str
    html: str


class MailNotSent(Exception):
    """The mail did not go out; trying again may help unless it `is_final`."""

    def __init__(self, reason: str, *, is_final: bool) -> None:
        super().__init__(reason)
        self.is_final = is_final


class MailTransport(Protocol):
    """A way for mails to leave."""

    async def send(self, mail: Mail) -> None:
        """Hand a mail over.

        Raises:
            MailNotSent: it was not taken.
        """


def make_transport(settings: MailSettings, data_dir: Path) -> MailTransport | None:
    """Choose the way that the settings name; None when mails shall not leave from here."""
    match settings.transport:
        case "off":
            return None
        case "console":
            return ConsoleTransport(settings.sender)
        case "file":
            return FileTransport(settings.sender, data_dir / "mails")
        case "smtp":
            return SmtpTransport(settings)
        case _:
            assert_never(settings.transport)


def compose(mail: Mail, sender: str) -> EmailMessage:
    """Write the message of a mail, with a text and an HTML part.

    Raises:
        MailNotSent: an address or the subject cannot stand in a header.
    """
    name, address = parseaddr(sender)
    message = EmailMessage(policy=policy.SMTP)
    try:
        message["From"] = Address(name, addr_spec=address)
        message["To"] = Address(addr_spec=mail.recipient)
        # The library would read an encoded word (RFC 2047) in it, and what that hides may be line breaks.
        message["Subject"] = mail.subject.replace("=?", "= ?")
    except ValueError as error:
        raise MailNotSent(f"a header is not possible: {error}", is_final=True) from error
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = f"<{tokens.digest(mail.key)[:40]}@{address.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody answers it with an "out of office"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message


@dataclass(frozen=True)
class ConsoleTransport:
    """Writes mails to standard error."""

    sender: str

    async def send(self, mail: Mail) -> None:
        message = compose(mail, self.sender)
        sys.stderr.write(f"--- mail to {message['To']}: {message['Subject']}\n{mail.text}\n---\n")


@dataclass(frozen=True)
class FileTransport:
    """Writes each mail to a file of its own, `<Message-ID>.eml`."""

    sender: str
    folder: Path

    async def send(self, mail: Mail) -> None:
        message = compose(mail, self.sender)
        name = message["Message-ID"].strip("<>").partition("@")[0]
        await asyncio.to_thread(self._write, f"{name}.eml", message.as_bytes())

    def _write(self, name: str, content: bytes) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_bytes(content)


@dataclass(frozen=True)
class SmtpTransport:
    """Sends by SMTP, one connection a mail. `tls` is the context to check the server with, the system's when None."""

    settings: MailSettings
    tls: ssl.SSLContext | None = None

    async def send(self, mail: Mail) -> None:
        message = compose(mail, self.settings.sender)
        try:
            async with asyncio.timeout(STEPS * self.settings.timeout.total_seconds()):
                await self._send(message)
        except aiosmtplib.SMTPException as error:
            raise MailNotSent(_reason_of(error), is_final=_is_final(error)) from error
        except (OSError, TimeoutError) as error:
            raise MailNotSent(f"{type(error).__name__}: {error}", is_final=False) from error

    async def _send(self, message: EmailMessage) -> None:
        settings = self.settings
        await aiosmtplib.send(
            message,
            hostname=settings.host,
            port=settings.port,
            username=settings.username,
            password=settings.password.get_secret_value() if settings.password else None,
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
            tls_context=self.tls,
            timeout=settings.timeout.total_seconds(),
        )


def _code_of(error: aiosmtplib.SMTPException) -> int | None:
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return error.recipients[0].code if error.recipients else None
    return error.code if isinstance(error, aiosmtplib.SMTPResponseException) else None


def _is_final(error: aiosmtplib.SMTPException) -> bool:
    """Say whether the server refused this mail for good (RFC 5321 section 4.2.1: 5yz).

    A refused login is not about this mail: the operator may yet mend it.
    """
    code = _code_of(error)
    return code is not None and code >= 500 and code != AUTHENTICATION_FAILED


def _reason_of(error: aiosmtplib.SMTPException) -> str:
    code = _code_of(error)
    return f"{type(error).__name__} {code or ''}".strip() + f": {error}"
