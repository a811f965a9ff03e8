"""Keeping groups of settings."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.base import table_of
from stationmaster.db.statements import insert_or_ignore
from stationmaster.domains.settings.models import Setting
from stationmaster.kit.sealing import CannotOpen, Sealer

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Group:
    """A group as it is kept: what may be shown, and the secrets by name."""

    value: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)


async def read_value(session: AsyncSession, name: str) -> Mapping[str, Any]:
    """Return what may be shown of a group, `{}` when it was never set."""
    row = await session.get(Setting, name)
    return row.value if row else {}


async def store_value(session: AsyncSession, name: str, value: Mapping[str, Any]) -> None:
    """Store what may be shown of a group that has no secrets."""
    await session.execute(insert_or_ignore(session, table_of(Setting)).values(Setting(name=name).model_dump()))
    row = await session.get_one(Setting, name, with_for_update=True, populate_existing=True)
    row.value = dict(value)
    await session.flush()


async def read_group(session: AsyncSession, sealer: Sealer, name: str, *, for_update: bool = False) -> Group:
    """Return a group with its secrets, empty when it was never set.

    Secrets that were stored under a key which is gone count as not set: somebody has to give them anew.
    """
    if for_update:
        await session.execute(insert_or_ignore(session, table_of(Setting)).values(Setting(name=name).model_dump()))
    row = await session.get(Setting, name, with_for_update=for_update or None, populate_existing=for_update)
    if row is None:
        return Group()
    return Group(row.value, _open(sealer, row))


def _open(sealer: Sealer, row: Setting) -> Mapping[str, str]:
    try:
        secrets: Mapping[str, str] = json.loads(sealer.open(row.secret, row=_row(row.name))) if row.secret else {}
    except CannotOpen as error:
        logger.warning("settings.unreadable", extra={"setting": row.name, "error": str(error)})
        return {}
    return secrets


async def store_group(session: AsyncSession, sealer: Sealer, name: str, group: Group) -> None:
    """Store a group that was read `for_update`."""
    row = await session.get_one(Setting, name)
    row.value = dict(group.value)
    row.secret = sealer.seal(json.dumps(dict(group.secrets)), row=_row(name)) if group.secrets else None
    session.add(row)
    await session.flush()


def _row(name: str) -> str:
    return f"settings/{name}"
