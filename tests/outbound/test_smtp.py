"""Mails through a real server, and what is made of its refusals."""

import asyncio
import ssl
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from stationmaster.config import MailSettings
from stationmaster.outbound.smtp import (
    ConsoleTransport,
    FileTransport,
    Mail,
    MailNotSent,
    SmtpTransport,
    compose,
    make_transport,
)
from tests.outbound.certificates import DAY, Authority, make_authority
from tests.support.smtp_server import Postbox, running_smtp

SENDER = "Stationmaster <station@example.com>"
MAIL = Mail("verify_email:1", "ada@example.com", "Grüße & <mehr>", "Hallo Ada,\nein Text.\n", "<p>Hallo Ada</p>")


def transport_to(box: Postbox, tls: ssl.SSLContext | None = None, **facts: object) -> SmtpTransport:
    settings = MailSettings.model_validate(
        {"transport": "smtp", "host": "localhost", "port": box.port, "sender": SENDER, "timeout": 5, **facts}
    )
    return SmtpTransport(settings, tls)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return make_authority(tmp_path)


def trusting(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authority.file)


def test_composes_text_and_html() -> None:
    message = compose(MAIL, SENDER)

    body, html = message.get_body(("plain",)), message.get_body(("html",))
    assert body is not None
    assert html is not None
    assert (message["From"], message["To"], message["Subject"]) == (SENDER, "ada@example.com", "Grüße & <mehr>")
    assert (body.get_content(), html.get_content().strip()) == (MAIL.text, MAIL.html)
    assert message["Auto-Submitted"] == "auto-generated"


def test_the_same_mail_has_the_same_message_id() -> None:
    again, other = compose(MAIL, SENDER), compose(Mail("other", *["x@example.com"] * 4), SENDER)

    assert compose(MAIL, SENDER)["Message-ID"] == again["Message-ID"]
    assert again["Message-ID"] != other["Message-ID"]
    assert again["Message-ID"].endswith("@example.com>")


@pytest.mark.parametrize(
    ("recipient", "subject"),
    [
        ("a@x.org\r\nBcc: b@y.org", "Subject"),
        ("a@x.org, b@y.org", "Subject"),
        ("no address", "Subject"),
        ("a@x.org", "Subject\r\nBcc: b@y.org"),
        ("a@x.org", "Subject\nX: y"),
    ],
)
def test_nothing_gets_into_the_headers(recipient: str, subject: str) -> None:
    with pytest.raises(MailNotSent) as refusal:
        compose(Mail("key", recipient, subject, "text", "html"), SENDER)

    assert refusal.value.is_final


async def test_sends_over_starttls(authority: Authority) -> None:
    async with running_smtp(tls=authority.server("localhost")) as box:
        await transport_to(box, trusting(authority)).send(MAIL)

    (received,) = box.received
    assert (received["To"], received["Subject"]) == ("ada@example.com", "Grüße & <mehr>")
    assert box.was_encrypted == [True]


async def test_sends_over_tls_from_the_start(authority: Authority) -> None:
    async with running_smtp(tls=authority.server("localhost"), from_the_start=True) as box:
        await transport_to(box, trusting(authority), security="tls").send(MAIL)

    assert len(box.received) == 1


async def test_sends_in_clear_only_when_told() -> None:
    async with running_smtp() as box:
        with pytest.raises(MailNotSent) as refusal:
            await transport_to(box).send(MAIL)
        await transport_to(box, security="none").send(MAIL)

    assert not refusal.value.is_final
    assert len(box.received) == 1


@pytest.mark.parametrize(("name", "days"), [("other.example", 1), ("localhost", -1)])
async def test_refuses_a_wrong_certificate(authority: Authority, name: str, days: int) -> None:
    async with running_smtp(tls=authority.server(name, until=days * DAY)) as box:
        with pytest.raises(MailNotSent) as refusal:
            await transport_to(box, trusting(authority)).send(MAIL)

    assert (refusal.value.is_final, box.received) == (False, [])


async def test_refuses_an_unknown_authority(authority: Authority) -> None:
    async with running_smtp(tls=authority.server("localhost")) as box:
        with pytest.raises(MailNotSent):
            await transport_to(box).send(MAIL)

    assert box.received == []


async def test_logs_in(authority: Authority) -> None:
    async with running_smtp(tls=authority.server("localhost"), login=("station", "pass phrase")) as box:
        facts = {"username": "station", "password": SecretStr("pass phrase")}
        await transport_to(box, trusting(authority), **facts).send(MAIL)

    assert len(box.received) == 1


async def test_a_refused_login_can_be_mended(authority: Authority) -> None:
    async with running_smtp(tls=authority.server("localhost"), login=("station", "pass phrase")) as box:
        with pytest.raises(MailNotSent) as refusal:
            await transport_to(box, trusting(authority), username="station", password=SecretStr("wrong")).send(MAIL)

    assert not refusal.value.is_final
    assert "wrong" not in str(refusal.value)


@pytest.mark.parametrize(
    ("box", "is_final"),
    [
        (Postbox(refuse_recipient="550 No such person here"), True),
        (Postbox(refuse_recipient="450 Mailbox busy"), False),
        (Postbox(refuse_content="554 Looks like spam"), True),
        (Postbox(refuse_content="452 Out of space"), False),
    ],
)
async def test_tells_a_no_from_a_not_now(box: Postbox, is_final: bool) -> None:
    async with running_smtp(box):
        with pytest.raises(MailNotSent) as refusal:
            await transport_to(box, security="none").send(MAIL)

    assert refusal.value.is_final is is_final


async def test_nobody_there() -> None:
    async with running_smtp() as box:
        pass

    with pytest.raises(MailNotSent) as refusal:
        await transport_to(box, security="none").send(MAIL)
    assert not refusal.value.is_final


async def test_a_server_that_says_nothing() -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with server:
        box = Postbox(port=server.sockets[0].getsockname()[1])
        with pytest.raises(MailNotSent) as refusal:
            await transport_to(box, security="none", timeout=1).send(MAIL)

    assert not refusal.value.is_final


async def test_writes_to_files(tmp_path: Path) -> None:
    transport = make_transport(MailSettings(transport="file", sender=SENDER), tmp_path)
    assert isinstance(transport, FileTransport)

    for _ in range(2):
        await transport.send(MAIL)

    (file,) = (tmp_path / "mails").iterdir()
    assert file.suffix == ".eml"
    assert b"To: ada@example.com" in file.read_bytes()


async def test_writes_to_the_console(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    transport = make_transport(MailSettings(sender=SENDER), tmp_path)
    assert isinstance(transport, ConsoleTransport)

    await transport.send(MAIL)

    assert "Hallo Ada,\nein Text." in capsys.readouterr().err


def test_sends_nothing_when_off(tmp_path: Path) -> None:
    assert make_transport(MailSettings(transport="off"), tmp_path) is None


@pytest.mark.parametrize("sender", ["", "nobody", "Station <>", "a@b@c"])
def test_the_sender_must_be_an_address(sender: str) -> None:
    with pytest.raises(ValidationError):
        MailSettings(sender=sender)
