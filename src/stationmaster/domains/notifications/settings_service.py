"""Setting up how the place is told, and trying it."""

from typing import Any
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.audit import service as audit
from stationmaster.domains.notifications import place
from stationmaster.domains.notifications.notice import Notice, Severity, Topic
from stationmaster.domains.notifications.place import Hook
from stationmaster.domains.notifications.settings_schemas import EmailIn, SlackIn, WebhookIn
from stationmaster.domains.outbox import service as outbox
from stationmaster.domains.outbox.carrier import Carrier, NotDelivered, Parcel
from stationmaster.domains.outbox.keys import key_of
from stationmaster.domains.outbox.models import Channel
from stationmaster.domains.outbox.service import Post
from stationmaster.errors import FieldError, Invalid
from stationmaster.identity.actor import Actor
from stationmaster.kit import clock
from stationmaster.kit.emails import normalise_email
from stationmaster.kit.ids import new_id
from stationmaster.kit.sealing import Sealer
from stationmaster.outbound.guard import Blocked, Guard

TAKEN = "It was taken."


async def put_slack(session: AsyncSession, sealer: Sealer, wanted: SlackIn, *, beginnings: tuple[str, ...]) -> Hook:
    """Store the Slack channel of the place.

    Raises:
        Invalid: the address is not Slack's, or there is none although it is switched on.
    """
    before = await place.read_hook(session, sealer, place.SLACK, for_update=True)
    url = _given(wanted, "webhook_url", before.url)
    if url is not None and not url.startswith(beginnings):
        raise Invalid(FieldError(f"begins with {' or '.join(beginnings)}", pointer="/webhook_url"))
    if wanted.is_enabled and url is None:
        raise Invalid(FieldError("is needed to switch it on", pointer="/webhook_url"))
    hook = Hook(is_enabled=wanted.is_enabled, url=url, channel=wanted.channel)
    await _store(session, sealer, place.SLACK, before, hook)
    return hook


async def put_webhook(session: AsyncSession, sealer: Sealer, wanted: WebhookIn, *, guard: Guard) -> Hook:
    """Store the webhook of the place.

    Raises:
        Invalid: the address may not be called, or something is missing although it is switched on.
    """
    before = await place.read_hook(session, sealer, place.WEBHOOK, for_update=True)
    hook = Hook(
        is_enabled=wanted.is_enabled,
        url=_given(wanted, "url", before.url),
        signing_secret=_given(wanted, "signing_secret", before.signing_secret),
    )
    _check_webhook(hook, guard)
    await _store(session, sealer, place.WEBHOOK, before, hook)
    return hook


def _check_webhook(hook: Hook, guard: Guard) -> None:
    if hook.is_enabled:
        missing = [name for name in ("url", "signing_secret") if getattr(hook, name) is None]
        if missing:
            raise Invalid(*(FieldError("is needed to switch it on", pointer=f"/{name}") for name in missing))
    try:
        if hook.url is not None:
            guard.check_literal(hook.url)
    except Blocked as error:
        raise Invalid(FieldError(str(error), pointer="/url")) from error


def _given(wanted: SlackIn | WebhookIn, name: str, present: str | None) -> str | None:
    """Return what a write-only field is to be: the present value where it was left out."""
    if name not in wanted.model_fields_set:
        return present
    secret: SecretStr | None = getattr(wanted, name)
    return None if secret is None else secret.get_secret_value().strip() or None


async def _store(session: AsyncSession, sealer: Sealer, name: str, before: Hook, hook: Hook) -> None:
    await place.store_hook(session, sealer, name, hook)
    audit.note(session, "setting", name, before=_told(before), after=_told(hook))


def _told(hook: Hook) -> dict[str, Any]:
    secrets = {name: SecretStr(value) for name, value in hook.group.secrets.items()}
    return {**hook.group.value, **secrets}


async def try_out(carrier: Carrier, recipient: str) -> tuple[bool, str]:
    """Send a test message at once; return whether it was taken, and what was said."""
    notice = Notice(
        topic=Topic.TEST,
        title="A test of Stationmaster",
        text="If you can read this, notices arrive here.",
        dedupe_key="test",
        severity=Severity.INFO,
    )
    id_ = new_id()
    parcel = Parcel(id_, f"test:{id_}", "notice", recipient, clock.now(), content=None, facts=notice.facts())
    try:
        await carrier.deliver(parcel)
    except NotDelivered as error:
        return False, str(error)
    return True, TAKEN


async def send_mail(session: AsyncSession, wanted: EmailIn, actor: Actor) -> list[UUID]:
    """Queue a mail to each address; return the ids of the messages."""
    facts = {"title": wanted.subject, "text": wanted.text, "sender": actor.name}
    name = f"email:{new_id()}"
    recipients = dict.fromkeys(normalise_email(address) for address in wanted.to)
    posts = [
        Post(Channel.EMAIL, "message", address, key_of(name, Channel.EMAIL, address), facts) for address in recipients
    ]
    ids = await outbox.enqueue(session, posts)
    audit.note(session, "email", ids[0], after={"subject": wanted.subject, "recipients": len(ids)})
    return ids
