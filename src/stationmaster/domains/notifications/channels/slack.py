"""Slack, by one incoming webhook of the place. Texts of users are shown as they are: they mention nobody and link nowhere.

Slack's documentation ("Formatting text for app surfaces") names the three characters to escape, and how to mention.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.engine import Database
from stationmaster.db.session import read_only
from stationmaster.domains.notifications import place
from stationmaster.domains.notifications.audience import Telling
from stationmaster.domains.notifications.channels.calling import call, pace_of, refusal
from stationmaster.domains.outbox import service as outbox
from stationmaster.domains.outbox.carrier import NotDelivered, Pace, Parcel
from stationmaster.domains.outbox.keys import key_of
from stationmaster.domains.outbox.models import Channel
from stationmaster.domains.outbox.service import Post
from stationmaster.kit.sealing import Sealer
from stationmaster.outbound.http import DispatchClient

RECIPIENT = "slack"
MAX_SECTION = 2900  # Slack takes 3000 characters in one section
INTERVAL_SECONDS = 1.0  # Slack: one message a second for each hook
MALFORMED = frozenset({400, 413})
SIGNS = {
    "success": ":white_check_mark:",
    "error": ":red_circle:",
    "warning": ":warning:",
    "info": ":information_source:",
}

_GROUP, _PERSON = re.compile(r"S[A-Z0-9]{6,20}"), re.compile(r"[UW][A-Z0-9]{6,20}")
_TAG = re.compile(r"<(?:!subteam\^(S[A-Z0-9]{6,20})|@([UW][A-Z0-9]{6,20}))>")
_EVERYONE = frozenset({"here", "channel", "everyone"})


async def post(session: AsyncSession, telling: Telling) -> None:
    """Queue one message for the place, if it has Slack."""
    if not telling.is_for_the_place or not await place.is_enabled(session, place.SLACK):
        return
    notice = telling.notice
    facts = {**notice.facts(), "mention": telling.slack_mention}
    key = key_of(notice.dedupe_key, Channel.SLACK, RECIPIENT)
    await outbox.enqueue(session, [Post(Channel.SLACK, "notice", RECIPIENT, key, facts)])


@dataclass(frozen=True)
class SlackCarrier:
    """Delivers to the hook that is set when a message goes out."""

    database: Database
    sealer: Sealer
    client: DispatchClient
    public_url: str
    timeout_seconds: float
    channel: Channel = Channel.SLACK

    @property
    def pace(self) -> Pace:
        return pace_of(self.timeout_seconds, batch=1, interval_seconds=INTERVAL_SECONDS)

    async def deliver(self, parcel: Parcel) -> None:
        async with read_only(self.database) as session:
            hook = await place.read_hook(session, self.sealer, place.SLACK)
        if not hook.is_enabled or hook.url is None:
            raise NotDelivered("Slack is not switched on.", is_final=True)
        message = compose(parcel.facts, self.public_url)
        if hook.channel:
            message["channel"] = hook.channel
        body = json.dumps(message).encode()
        answer = await call(self.client, hook.url, headers={}, body=body, timeout_seconds=self.timeout_seconds)
        if answer.status != 200:
            # Whatever is wrong with the hook itself, an administrator may yet mend; what is malformed stays so.
            raise refusal(answer, is_final=answer.status in MALFORMED)


def compose(facts: Mapping[str, Any], public_url: str) -> dict[str, Any]:
    """Write a message: the text that previews show, and the blocks that are read."""
    title, text = escape(str(facts["title"])), escape(str(facts["text"]))
    sign = SIGNS.get(str(facts.get("severity")), SIGNS["info"])
    blocks = [_section(f"{sign} *{title}*"), _section(text)]
    if facts.get("mention"):
        blocks.append(_section(mention(str(facts["mention"]))))
    if facts.get("link"):
        blocks.append(_section(f"<{escape(public_url + str(facts['link']))}|Look at it>"))
    return {"text": f"{title}\n{text}"[:MAX_SECTION], "blocks": blocks, "unfurl_links": False}


def escape(text: str) -> str:
    """Take from a text what Slack would read as its own."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def mention(handle: str) -> str:
    """Write who is called: a group or person by id (`S...`, `U...`), `@here`, or a name, which Slack cannot resolve."""
    if tag := _TAG.fullmatch(handle):
        return tag[0]
    name = handle.removeprefix("<!").removesuffix(">").removeprefix("@")
    if _GROUP.fullmatch(name):
        return f"<!subteam^{name}>"
    if _PERSON.fullmatch(name):
        return f"<@{name}>"
    return f"<!{name}>" if name in _EVERYONE else f"@{escape(name)}"


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": _cut(text) or " ", "verbatim": True}}


def _cut(text: str) -> str:
    """Cut a long text, not in the middle of an escaped character."""
    return text if len(text) <= MAX_SECTION else re.sub(r"&[a-z]*\Z", "", text[:MAX_SECTION]) + "..."
