"""Reading the mails that a test caused: they wait in the outbox, where nobody sends them (`STAYING`)."""

import re
from dataclasses import dataclass

from fastapi import FastAPI
from sqlmodel import col, select

from stationmaster.config import MailSettings
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.auth.mail_clerk import work_off
from stationmaster.domains.outbox.models import Message
from stationmaster.domains.outbox.rendering import Content

STAYING = MailSettings(transport="off")


@dataclass(frozen=True)
class Letter:
    """A mail in the outbox."""

    kind: str
    recipient: str
    content: Content

    @property
    def token(self) -> str:
        """Return the token of the link in the mail."""
        found = re.search(r"#token=(\S+)", self.content.text)
        assert found, self.content.text
        return found[1]


async def read_mails(app: FastAPI, recipient: str | None = None) -> list[Letter]:
    """Return the mails to one address, or to all, oldest first; what was only asked for is worked off before."""
    async with unit_of_work(app.state.database) as session:
        await work_off(session, app.state.outbox)
    async with read_only(app.state.database) as session:
        messages = await session.scalars(select(Message).order_by(col(Message.id)))
        letters = [
            Letter(message.kind, message.recipient, app.state.outbox.open_content(message.id, message.content or ""))
            for message in messages
        ]
    return [letter for letter in letters if recipient in {None, letter.recipient}]


async def read_kinds(app: FastAPI, recipient: str | None = None) -> list[str]:
    """Return what kinds of mails there are, oldest first."""
    return [letter.kind for letter in await read_mails(app, recipient)]
