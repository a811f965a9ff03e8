"""The key under which a message is stored once: what it tells, by which channel, to whom."""

from stationmaster.domains.outbox.models import Channel
from stationmaster.kit import tokens

LONGEST_NAME = 120


def key_of(name: str, channel: Channel, recipient: str) -> str:
    """Return the key of a message; `name` names the fact it tells of. The recipient is not readable in it."""
    if len(name) > LONGEST_NAME:
        raise ValueError(f"the dedupe key of a notice has at most {LONGEST_NAME} characters")
    return f"{name}:{channel}:{tokens.digest(recipient)[:32]}"
