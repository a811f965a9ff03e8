"""How the place is told: Slack, mail and a webhook, for administrators."""

from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import HTTPConnection

from stationmaster.domains.audit import service as audit
from stationmaster.domains.notifications import place, settings_service
from stationmaster.domains.notifications.errors import NoMailsFromHere
from stationmaster.domains.notifications.settings_schemas import (
    EmailIn,
    EmailQueued,
    EmailSettingsOut,
    SlackIn,
    SlackOut,
    TestOut,
    WebhookIn,
    WebhookOut,
)
from stationmaster.domains.outbox.carrier import Carrier
from stationmaster.domains.outbox.models import Channel
from stationmaster.identity.dependencies import RequireAdmin
from stationmaster.kit.sealing import Sealer
from stationmaster.outbound.guard import Guard
from stationmaster.web.application import SealerDep, SettingsDep
from stationmaster.web.etag import IfMatchDep
from stationmaster.web.openapi import problems
from stationmaster.web.operation import Operation
from stationmaster.web.session import ReadSessionDep, SessionDep

router = APIRouter(tags=["settings"], route_class=Operation)


async def _get_carriers(connection: HTTPConnection) -> dict[Channel, Carrier]:
    carriers: dict[Channel, Carrier] = connection.app.state.carriers
    return carriers


CarriersDep = Annotated[dict[Channel, Carrier], Depends(_get_carriers)]


@router.get("/settings/slack", summary="Read the Slack settings")
async def get_slack_settings(_actor: RequireAdmin, session: ReadSessionDep, sealer: SealerDep) -> SlackOut:
    """Tell whether notices go to Slack. The address of the hook is never shown. For admins."""
    return SlackOut.of(await place.read_hook(session, sealer, place.SLACK))


@router.put("/settings/slack", summary="Replace the Slack settings")
async def put_slack_settings(
    body: SlackIn,
    _actor: RequireAdmin,
    session: SessionDep,
    sealer: SealerDep,
    settings: SettingsDep,
    if_match: IfMatchDep,
) -> SlackOut:
    """Say whether and by which hook notices go to Slack: all that concern jobs, runs and checks. For admins."""
    await if_match.check(lambda: _show_slack(session, sealer))
    beginnings = settings.channels.slack_hooks
    return SlackOut.of(await settings_service.put_slack(session, sealer, body, beginnings=beginnings))


@router.post("/settings/slack/test", summary="Send a test message to Slack")
async def send_slack_test(_actor: RequireAdmin, carriers: CarriersDep) -> TestOut:
    """Send a message by the stored hook now, and tell what Slack said. For admins."""
    return await _try_out(carriers[Channel.SLACK], "slack")


@router.get("/settings/webhook", summary="Read the webhook settings")
async def get_webhook_settings(_actor: RequireAdmin, session: ReadSessionDep, sealer: SealerDep) -> WebhookOut:
    """Tell whether notices are sent to a webhook. Its address and secret are never shown. For admins."""
    return WebhookOut.of(await place.read_hook(session, sealer, place.WEBHOOK))


@router.put("/settings/webhook", summary="Replace the webhook settings")
async def put_webhook_settings(
    body: WebhookIn,
    _actor: RequireAdmin,
    session: SessionDep,
    sealer: SealerDep,
    settings: SettingsDep,
    if_match: IfMatchDep,
) -> WebhookOut:
    """Say whether and where notices are sent as signed calls: all that concern jobs, runs and checks. For admins.

    The calls follow Standard Webhooks 1.0. A receiver that answers 410 is not called again until you switch it on anew.
    """
    await if_match.check(lambda: _show_webhook(session, sealer))
    guard = Guard(settings.outbound_allow)
    return WebhookOut.of(await settings_service.put_webhook(session, sealer, body, guard=guard))


@router.post("/settings/webhook/test", summary="Send a test call to the webhook")
async def send_webhook_test(_actor: RequireAdmin, carriers: CarriersDep) -> TestOut:
    """Make a signed call now, and tell what the receiver answered. For admins."""
    return await _try_out(carriers[Channel.WEBHOOK], "webhook")


@router.get("/settings/email", summary="Read the mail settings")
async def get_email_settings(_actor: RequireAdmin, settings: SettingsDep) -> EmailSettingsOut:
    """Tell how mails leave; the operator sets it in the environment. For admins."""
    return EmailSettingsOut.of(settings.mail)


@router.post("/settings/email/test", summary="Send a test mail", responses=problems(409))
async def send_email_test(actor: RequireAdmin, carriers: CarriersDep) -> TestOut:
    """Send a mail to your own address now, and tell what the server said. For admins."""
    if Channel.EMAIL not in carriers:
        raise NoMailsFromHere
    return await _try_out(carriers[Channel.EMAIL], actor.email)


@router.post("/email", status_code=202, summary="Send a mail")
async def send_email(body: EmailIn, actor: RequireAdmin, session: SessionDep) -> EmailQueued:
    """Queue a mail of your own words, one to each address. For admins."""
    return EmailQueued(delivery_ids=await settings_service.send_mail(session, body, actor))


async def _try_out(carrier: Carrier, recipient: str) -> TestOut:
    audit.mention("setting", carrier.channel.value)
    ok, detail = await settings_service.try_out(carrier, recipient)
    return TestOut(ok=ok, detail=detail)


async def _show_slack(session: AsyncSession, sealer: Sealer) -> SlackOut:
    return SlackOut.of(await place.read_hook(session, sealer, place.SLACK, for_update=True))


async def _show_webhook(session: AsyncSession, sealer: Sealer) -> WebhookOut:
    return WebhookOut.of(await place.read_hook(session, sealer, place.WEBHOOK, for_update=True))
