"""How the place as a whole is told: the settings of its Slack channel and of its webhook."""

from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.settings import service as settings
from stationmaster.domains.settings.service import Group
from stationmaster.kit.sealing import Sealer

SLACK = "slack"
WEBHOOK = "webhook"


@dataclass(frozen=True)
class Hook:
    """Where the place is told: an address that is a secret, whether it is in use, and what else belongs to it.

    Of Slack `channel` overrides the hook's own. Of a webhook `signing_secret` signs, and `disabled_reason` says why the
    service itself switched it off.
    """

    is_enabled: bool = False
    url: str | None = None
    channel: str | None = None
    signing_secret: str | None = None
    disabled_reason: str | None = None

    @classmethod
    def of(cls, group: Group) -> Self:
        facts: dict[str, Any] = {**group.value, **group.secrets}
        return cls(**facts)

    @property
    def group(self) -> Group:
        facts: dict[str, Any] = {"url": self.url, "signing_secret": self.signing_secret}
        shown = {
            "is_enabled": self.is_enabled,
            "channel": self.channel,
            "disabled_reason": self.disabled_reason,
        }
        return Group(shown, {name: value for name, value in facts.items() if value is not None})


async def is_enabled(session: AsyncSession, name: str) -> bool:
    """Say whether the place is told this way."""
    return bool((await settings.read_value(session, name)).get("is_enabled"))


async def read_hook(session: AsyncSession, sealer: Sealer, name: str, *, for_update: bool = False) -> Hook:
    """Return a hook, switched off when it was never set."""
    return Hook.of(await settings.read_group(session, sealer, name, for_update=for_update))


async def store_hook(session: AsyncSession, sealer: Sealer, name: str, hook: Hook) -> None:
    """Store a hook that was read `for_update`."""
    await settings.store_group(session, sealer, name, hook.group)
