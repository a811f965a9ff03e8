"""What takes messages of one channel to the outside. The channels themselves live in the room `notifications`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from stationmaster.domains.outbox.models import Channel
from stationmaster.domains.outbox.rendering import Content
from stationmaster.kit.retry import Backoff


@dataclass(frozen=True)
class Parcel:
    """A message on its way: either `content`, written when it was stored, or `facts` to make it of now."""

    id: UUID
    key: str
    kind: str
    recipient: str
    created_at: datetime
    content: Content | None
    facts: Mapping[str, Any]


class NotDelivered(Exception):
    """The message did not go out.

    Trying again may help unless it `is_final`, and not before `retry_after`, where the receiver said so. `is_busy` says that
    the receiver takes nothing at all until then.
    """

    def __init__(
        self, reason: str, *, is_final: bool = False, retry_after: timedelta | None = None, is_busy: bool = False
    ) -> None:
        super().__init__(reason)
        self.is_final = is_final
        self.retry_after = retry_after
        self.is_busy = is_busy


@dataclass(frozen=True)
class Pace:
    """How messages of a channel go out.

    `lease` is longer than delivering a batch can take, so that a claim runs out only when its replica is gone. Up to `batch`
    messages go side by side, and batches are `interval_seconds` apart.
    """

    lease: timedelta
    backoff: Backoff
    batch: int = 10
    interval_seconds: float = 0


class Carrier(Protocol):
    """Delivers the messages of one channel."""

    @property
    def channel(self) -> Channel:
        """Name the channel whose messages it takes."""

    @property
    def pace(self) -> Pace:
        """Say how fast, and how long one may take."""

    async def deliver(self, parcel: Parcel) -> None:
        """Hand a message over.

        Raises:
            NotDelivered: it was not taken.
        """
