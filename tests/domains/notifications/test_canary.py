"""A job with secrets fails, and everybody is told by every channel: nothing of the secrets is in what left the house."""

import base64
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from stationmaster.config import MailSettings, RunnerSettings, Settings
from stationmaster.identity.actor import Role
from stationmaster.setting_groups import ChannelSettings
from tests.domains.executions.kinds.calling import SIGNING_SECRET
from tests.support.executions import eventually
from tests.support.hook import Hook, open_hook
from tests.support.people import Person, make_person
from tests.support.scripts import register
from tests.support.smtp_server import Postbox, running_smtp

CANARY = "canary-91f0-staple"
ADDRESS = "127.91.15.201"
"""A secret that must be in the error of a call: where nobody listens."""
MASK = "********"
TELL_ALL = """
import os, sys
secret = os.environ["WAREHOUSE"]
assert secret == os.environ["GIVEN"] and len(secret) == 18
print("::result {\\"secret\\": \\"" + secret + "\\"}")
sys.exit("the password is " + secret)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a data folder that another user can walk to; pytest's are shut to them."""
    with TemporaryDirectory(prefix="stationmaster-data-") as made:
        Path(made).chmod(0o711)
        yield Path(made)


@pytest.fixture
async def postbox() -> AsyncIterator[Postbox]:
    async with running_smtp() as box:
        yield box


@pytest.fixture
async def slack() -> AsyncIterator[Hook]:
    async with open_hook() as opened:
        yield opened


@pytest.fixture
async def webhook() -> AsyncIterator[Hook]:
    async with open_hook() as opened:
        yield opened


@pytest.fixture
def settings(settings: Settings, folder: Path, postbox: Postbox, slack: Hook) -> Settings:
    changes = {
        "data_dir": folder,
        "runner": RunnerSettings(),
        "scheduler_enabled": True,
        "mail": MailSettings(transport="smtp", host="127.0.0.1", port=postbox.port, security="none"),
        "channels": ChannelSettings(slack_hooks=(slack.beginning,)),
        "outbound_allow": ("127.0.0.0/8",),
    }
    return settings.model_copy(update=changes)


@pytest.fixture
async def ada(app: FastAPI, client: httpx.AsyncClient, slack: Hook, webhook: Hook) -> Person:
    """Sign Ada in, after an administrator has set up both hooks of the place."""
    boss = await make_person(app, Role.ADMIN)
    hooks = {
        "slack": {"is_enabled": True, "webhook_url": slack.url},
        "webhook": {"is_enabled": True, "url": webhook.url, "signing_secret": SIGNING_SECRET},
    }
    for name, body in hooks.items():
        answer = await client.put(f"/api/v1/settings/{name}", json=body, headers=boss.headers)
        answer.raise_for_status()
    return await make_person(app)


async def keep_secret(client: httpx.AsyncClient, ada: Person, slug: str) -> None:
    """Store the canary as a secret that the script may have."""
    script = (await client.get(f"/api/v1/scripts/{slug}", headers=ada.headers)).json()["id"]
    secret = {"name": "WAREHOUSE", "value": CANARY}
    (await client.post("/api/v1/secrets", json=secret, headers=ada.headers)).raise_for_status()
    grant = {"scripts": [script]}
    (await client.put("/api/v1/secrets/WAREHOUSE", json=grant, headers=ada.headers)).raise_for_status()


async def fail(client: httpx.AsyncClient, ada: Person, target: dict[str, Any]) -> None:
    rule = {"enabled": True, "emails": ["ops@example.com"]}
    job = {"name": f"nightly {target['type']}", "target": target, "notifications": rule}
    made = (await client.post("/api/v1/jobs", json=job, headers=ada.headers)).raise_for_status().json()
    path = f"/api/v1/jobs/{made['id']}/execute"
    (await client.post(path, json={}, headers=ada.headers)).raise_for_status()


def mails(postbox: Postbox) -> list[str]:
    """Return what a reader of each mail sees, all parts decoded."""
    return [
        "\n".join(part.get_content() for part in mail.walk() if not part.is_multipart()) for mail in postbox.received
    ]


def wire(postbox: Postbox, *hooks: Hook) -> list[str]:
    """Return every byte that left, headers too."""
    calls = [f"{call.path} {call.headers} {call.body.decode()}" for hook in hooks for call in hook.calls]
    return [*(raw.decode() for raw in postbox.raw), *calls]


async def test_no_channel_tells_a_secret(
    client: httpx.AsyncClient, ada: Person, postbox: Postbox, slack: Hook, webhook: Hook
) -> None:
    parameters = {"properties": {"given": {"type": "secret"}}}
    slug = await register(client, ada, source=TELL_ALL, parameters=parameters, secrets=["WAREHOUSE"])
    await keep_secret(client, ada, slug)
    await fail(client, ada, {"type": "script", "script": slug, "params": {"given": "WAREHOUSE"}})
    calls = {"type": "webhook", "url": f"http://{ADDRESS}:1/", "secret_headers": {"x-token": ADDRESS}}
    await fail(client, ada, calls | {"body": CANARY, "signing_secret": SIGNING_SECRET})
    await told(postbox, slack, webhook)
    read = [*mails(postbox), *(call.body.decode() for hook in (slack, webhook) for call in hook.taken)]

    assert {"ops@example.com", ada.user.email} == {mail["To"] for mail in postbox.received}
    assert 4 == len([text for text in read if "exit code 1" in text])
    assert 4 == len([text for text in read if f"No connection to {MASK}:1" in text]), read
    check_nothing_is_told([*read, *wire(postbox, slack, webhook)])


async def told(postbox: Postbox, *hooks: Hook) -> None:
    """Wait until the two mails and the two calls about each of two jobs have arrived."""

    async def have_arrived() -> bool:
        return len(postbox.received) == 4 and all(len(hook.taken) == 2 for hook in hooks)

    await eventually(have_arrived, seconds=30)


def check_nothing_is_told(texts: list[str]) -> None:
    """Fail when a secret is there: as it is, or in base64, whatever stands before it."""
    secrets = (CANARY, ADDRESS, SIGNING_SECRET.removeprefix("whsec_"))
    encoded = [base64.b64encode(b"x" * shift + each.encode()).decode()[4:-4] for each in secrets for shift in range(3)]
    assert not [form for form in (*secrets, *encoded) for text in texts if form in text]
