"""Setting up how the place is told, trying it, and sending a mail."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from stationmaster.config import MailSettings, Settings
from stationmaster.db.base import SECRETS_AT_REST
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.settings.models import Setting
from stationmaster.identity.actor import Role
from stationmaster.kit.sealing import Keyring
from stationmaster.setting_groups import ChannelSettings
from tests.domains.executions.kinds.calling import SIGNING_SECRET
from tests.domains.notifications.telling import read_messages
from tests.support.databases import ONLY_SQLITE
from tests.support.hook import Hook, open_hook
from tests.support.people import Person, make_person

SLACK, WEBHOOK, EMAIL = (f"/api/v1/settings/{name}" for name in ("slack", "webhook", "email"))
HOOK_URL = "https://hooks.slack.com/services/T0/B0/secret"


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    async with open_hook() as opened:
        yield opened


@pytest.fixture
def settings(settings: Settings, hook: Hook) -> Settings:
    return settings.model_copy(
        update={
            "mail": MailSettings(transport="file"),
            "channels": ChannelSettings(slack_hooks=("https://hooks.slack.com/", hook.beginning)),
            "outbound_allow": ("127.0.0.1",),
        }
    )


@pytest.fixture
async def boss(app: FastAPI) -> Person:
    return await make_person(app, Role.ADMIN)


async def put(client: httpx.AsyncClient, person: Person, path: str, **body: Any) -> httpx.Response:
    return await client.put(path, json=body, headers=person.headers)


async def test_begins_switched_off(client: httpx.AsyncClient, boss: Person) -> None:
    slack = (await client.get(SLACK, headers=boss.headers)).json()
    webhook = (await client.get(WEBHOOK, headers=boss.headers)).json()

    assert slack == {"is_enabled": False, "has_webhook_url": False, "channel": None}
    assert webhook == {
        "is_enabled": False,
        "has_url": False,
        "has_signing_secret": False,
        "disabled_reason": None,
    }


async def test_secrets_are_stored_sealed_and_never_shown(app: FastAPI, client: httpx.AsyncClient, boss: Person) -> None:
    slack = await put(client, boss, SLACK, is_enabled=True, webhook_url=HOOK_URL, channel="#ops")
    webhook = await put(
        client, boss, WEBHOOK, is_enabled=True, url="https://example.com/secret", signing_secret=SIGNING_SECRET
    )
    async with read_only(app.state.database) as session:
        rows = list(await session.scalars(sa.select(Setting)))

    assert slack.json() == {"is_enabled": True, "has_webhook_url": True, "channel": "#ops"}
    assert webhook.json()["has_signing_secret"] is True
    stored = " ".join(f"{row.value} {row.secret}" for row in rows)
    for secret in (HOOK_URL, "example.com", SIGNING_SECRET):
        assert secret not in stored
        assert secret not in slack.text + webhook.text
    log = await client.get("/api/v1/audit-logs", headers=boss.headers)
    assert "secret" not in log.text.replace("signing_secret", "")


async def test_an_address_left_out_stays_and_null_removes_it(client: httpx.AsyncClient, boss: Person) -> None:
    await put(client, boss, SLACK, is_enabled=True, webhook_url=HOOK_URL)

    off = await put(client, boss, SLACK, is_enabled=False)
    gone = await put(client, boss, SLACK, is_enabled=False, webhook_url=None)

    assert (off.json()["has_webhook_url"], gone.json()["has_webhook_url"]) == (True, False)


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        (SLACK, {"is_enabled": True}, "/webhook_url"),
        (SLACK, {"is_enabled": True, "webhook_url": "https://evil.example/"}, "/webhook_url"),
        (SLACK, {"is_enabled": True, "webhook_url": "https://hooks.slack.com.evil.example/"}, "/webhook_url"),
        (SLACK, {"is_enabled": True, "webhook_url": "https://hooks.slack.com@evil.example/"}, "/webhook_url"),
        (SLACK, {"is_enabled": "yes", "webhook_url": HOOK_URL}, "/is_enabled"),
        (SLACK, {"webhook_url": HOOK_URL}, "/is_enabled"),
        (SLACK, {"is_enabled": False, "token": "x"}, "/token"),
        (SLACK, {"is_enabled": False, "channel": "a\nb"}, "/channel"),
        (WEBHOOK, {"is_enabled": True, "url": "https://example.com/"}, "/signing_secret"),
        (WEBHOOK, {"is_enabled": True, "url": "http://10.0.0.1/", "signing_secret": SIGNING_SECRET}, "/url"),
        (WEBHOOK, {"is_enabled": True, "url": "gopher://x", "signing_secret": SIGNING_SECRET}, "/url"),
        (WEBHOOK, {"is_enabled": False, "signing_secret": "whsec_short"}, "/signing_secret"),
    ],
)
async def test_what_is_wrong_is_refused_and_nothing_is_stored(
    client: httpx.AsyncClient, boss: Person, path: str, body: dict[str, Any], pointer: str
) -> None:
    answer = await put(client, boss, path, **body)

    assert answer.status_code == 422
    assert [pointer] == [error["pointer"] for error in answer.json()["errors"]]
    assert (await client.get(path, headers=boss.headers)).json()["is_enabled"] is False


async def test_secrets_of_a_key_that_is_gone_are_to_be_given_anew(
    app: FastAPI, client: httpx.AsyncClient, boss: Person
) -> None:
    await put(client, boss, SLACK, is_enabled=True, webhook_url=HOOK_URL)
    async with unit_of_work(app.state.database) as session:
        other = Keyring(("another secret key, also long enough",)).sealer(SECRETS_AT_REST)
        await session.execute(sa.update(Setting).values(secret=other.seal("{}", row="settings/slack")))

    shown = await client.get(SLACK, headers=boss.headers)
    again = await put(client, boss, SLACK, is_enabled=True, webhook_url=HOOK_URL)

    assert (shown.json()["has_webhook_url"], again.json()["has_webhook_url"]) == (False, True)


async def test_a_change_heeds_what_was_seen(client: httpx.AsyncClient, boss: Person) -> None:
    seen = (await client.get(SLACK, headers=boss.headers)).headers["ETag"]
    await put(client, boss, SLACK, is_enabled=True, webhook_url=HOOK_URL)

    stale = await client.put(SLACK, json={"is_enabled": False}, headers={**boss.headers, "If-Match": seen})

    assert stale.status_code == 412


async def test_trying_tells_what_came_back(client: httpx.AsyncClient, boss: Person, hook: Hook) -> None:
    off = await client.post(f"{SLACK}/test", headers=boss.headers)
    await put(client, boss, SLACK, is_enabled=True, webhook_url=hook.url)
    await put(client, boss, WEBHOOK, is_enabled=True, url=hook.url, signing_secret=SIGNING_SECRET)
    hook.answers = [(404, None)]
    answers = [(await client.post(f"{path}/test", headers=boss.headers)).json() for path in (SLACK, SLACK, WEBHOOK)]

    assert off.json() == {"ok": False, "detail": "Slack is not switched on."}
    taken = {"ok": True, "detail": "It was taken."}
    assert answers == [{"ok": False, "detail": "The answer was 404: ok"}, taken, taken]
    assert len(hook.taken) == 2


async def test_a_test_mail_goes_to_oneself(client: httpx.AsyncClient, boss: Person, settings: Settings) -> None:
    answer = await client.post(f"{EMAIL}/test", headers=boss.headers)

    (mail,) = (settings.data_dir / "mails").glob("*.eml")
    assert answer.json()["ok"] is True
    assert f"To: {boss.user.email}" in mail.read_text()


async def test_mail_settings_are_shown_without_the_password(client: httpx.AsyncClient, boss: Person) -> None:
    shown = (await client.get(EMAIL, headers=boss.headers)).json()

    assert shown["transport"] == "file"
    assert shown["has_password"] is False
    assert "password" not in shown


async def test_a_mail_of_ones_own_goes_to_each_address_once(
    app: FastAPI, client: httpx.AsyncClient, boss: Person
) -> None:
    body = {"to": ["a@example.com", "A@example.com", "b@example.com"], "subject": "Sunday", "text": "We are back."}
    headers = {**boss.headers, "Idempotency-Key": "once"}

    first = await client.post("/api/v1/email", json=body, headers=headers)
    again = await client.post("/api/v1/email", json=body, headers=headers)

    messages = await read_messages(app.state.database)
    assert (first.status_code, first.json()) == (202, again.json())
    assert ["a@example.com", "b@example.com"] == [message.recipient for message in messages]
    assert set(first.json()["delivery_ids"]) == {str(message.id) for message in messages}


@pytest.mark.parametrize(
    "change", [{"to": []}, {"to": ["nobody"]}, {"to": ["a@x.org\r\nBcc: b@y.org"]}, {"subject": "a\nb"}, {"text": ""}]
)
async def test_a_mail_that_cannot_be_is_refused(
    client: httpx.AsyncClient, boss: Person, change: dict[str, Any]
) -> None:
    body = {"to": ["a@example.com"], "subject": "Sunday", "text": "We are back.", **change}

    assert (await client.post("/api/v1/email", json=body, headers=boss.headers)).status_code == 422


@ONLY_SQLITE
@pytest.mark.parametrize("role", [None, Role.USER])
async def test_only_admins_do_this(app: FastAPI, client: httpx.AsyncClient, role: Role | None) -> None:
    headers = (await make_person(app, role)).headers if role else {}

    answers = [await client.get(path, headers=headers) for path in (SLACK, WEBHOOK, EMAIL)]

    assert {403 if role else 401} == {answer.status_code for answer in answers}


class TestWithoutTransport:
    """A replica from which no mails leave."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"mail": MailSettings(transport="off")})

    async def test_it_says_so(self, client: httpx.AsyncClient, boss: Person) -> None:
        assert (await client.post(f"{EMAIL}/test", headers=boss.headers)).status_code == 409


def test_a_hook_must_begin_with_a_whole_host() -> None:
    with pytest.raises(ValueError, match="whole host"):
        ChannelSettings(slack_hooks=("https://hooks.slack.com",))
