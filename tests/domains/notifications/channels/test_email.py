"""Notices by mail, to a real SMTP server: both forms, no attachments, clean headers whatever a name contains."""

from collections.abc import AsyncIterator
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest
import sqlalchemy as sa

from stationmaster.config import MailSettings
from stationmaster.db.engine import Database
from stationmaster.db.session import unit_of_work
from stationmaster.domains.notifications.channels.email import MailCarrier
from stationmaster.domains.outbox.delivery import Courier
from stationmaster.domains.outbox.models import Message, MessageState
from stationmaster.domains.outbox.service import Outbox
from stationmaster.kit.sealing import Keyring
from stationmaster.outbound.smtp import make_transport
from tests.domains.notifications.telling import FAILED, read_messages, tell
from tests.support.smtp_server import Postbox, running_smtp

OUTBOX = Outbox.open("https://station.example", Keyring(("a secret key of the tests, long enough",)))


@pytest.fixture
async def postbox() -> AsyncIterator[Postbox]:
    async with running_smtp() as box:
        yield box


async def deliver(database: Database, postbox: Postbox) -> None:
    settings = MailSettings(transport="smtp", host="127.0.0.1", port=postbox.port, security="none")
    transport = make_transport(settings, Path())
    assert transport is not None
    await Courier(database, OUTBOX, MailCarrier(transport, OUTBOX.public_url), max_attempts=3).deliver_due()


def parts(mail: EmailMessage) -> dict[str, str]:
    return {part.get_content_type(): part.get_content() for part in mail.walk() if not part.is_multipart()}


async def test_a_notice_has_both_forms_and_a_link(database: Database, postbox: Postbox) -> None:
    await tell(database, emails=["ops@example.com"])

    await deliver(database, postbox)

    (mail,) = postbox.received
    assert (mail["To"], mail["Subject"]) == ("ops@example.com", FAILED.title)
    assert set(parts(mail)) == {"text/plain", "text/html"}
    assert list(mail.iter_attachments()) == []
    for form in parts(mail).values():
        assert FAILED.text in form
        assert "https://station.example/api/v1/executions/1" in form


@pytest.mark.parametrize(
    "name",
    [
        "x\r\nBcc: eve@example.com",
        "x\nSubject: other",
        "x\r\n\r\n<script>alert(1)</script>",
        "x\u2028Bcc: eve@example.com",
        "=?utf-8?q?x=0ABcc:_eve@example.com?=",
        'Ada "the first" <eve@example.com>',
        "\u0430pple: \U0001f682" * 60,
    ],
)
async def test_a_name_makes_no_headers_and_no_markup(database: Database, postbox: Postbox, name: str) -> None:
    await tell(database, replace(FAILED, title=name, text=f"<b>{name}</b> failed"), emails=["ops@example.com"])

    await deliver(database, postbox)

    (mail,) = postbox.received
    assert sorted(key.lower() for key in mail) == [
        "auto-submitted",
        "content-type",
        "date",
        "from",
        "message-id",
        "mime-version",
        "subject",
        "to",
    ]
    assert mail["To"] == "ops@example.com"
    html = parts(mail)["text/html"]
    assert "<b>" not in html
    assert "<script>" not in html
    assert "\n" not in mail["Subject"]


async def test_the_same_notice_has_the_same_message_id(database: Database, postbox: Postbox) -> None:
    await tell(database, emails=["ops@example.com"])
    postbox.refuse_content = "451 later"
    await deliver(database, postbox)
    (waiting,) = await read_messages(database)

    assert (waiting.state, waiting.attempts) == (MessageState.QUEUED, 1)
    assert waiting.last_error == "SMTPDataError 451: (451, 'later')"


async def test_what_cannot_be_written_is_put_aside(database: Database, postbox: Postbox) -> None:
    await tell(database, emails=["ops@example.com"])
    async with unit_of_work(database) as session:
        await session.execute(sa.update(Message).values(facts={"title": "no text"}))

    await deliver(database, postbox)

    (message,) = await read_messages(database)
    assert message.state is MessageState.FAILED
    assert postbox.received == []
