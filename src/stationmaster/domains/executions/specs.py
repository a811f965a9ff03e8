"""Specs: stored sealed, opened for the executor, kept open in memory because they never change."""

import logging
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.db.base import table_of
from stationmaster.db.recordset import encode_rows, recordset
from stationmaster.domains.executions.models import OnLost, OverlapPolicy, Spec
from stationmaster.domains.executions.policies import Overlap, Retry
from stationmaster.domains.executions.secret_text import sealed_for
from stationmaster.domains.executions.targets import Target
from stationmaster.domains.executions.targets.script import ScriptTarget
from stationmaster.domains.scripts.models import Script
from stationmaster.kit.ids import new_id
from stationmaster.kit.sealing import Sealer
from stationmaster.kit.templates import has_templates

logger = logging.getLogger(__name__)

CACHED_SPECS = 20_000

targets: TypeAdapter[Target] = TypeAdapter(Target)
rows = table_of(Spec)

NO_RETRY = Retry()


@dataclass(frozen=True, slots=True)
class Order:
    """An opened spec: all that an attempt needs."""

    target: Target | None
    """None when it cannot be opened: sealed with another key, or not valid any more."""
    timeout_seconds: float
    retry: Retry
    on_lost: OnLost
    frees_others: bool
    """Whether others may wait for this one's end (overlap `queue` or `replace`)."""
    is_templated: bool = False
    """Whether params with templates are resolved for each execution, and laid in when that begins."""


def make_spec(
    sealer: Sealer,
    *,
    target: Target,
    host: str | None,
    timeout_seconds: float,
    retry: Retry,
    on_lost: OnLost,
    overlap: Overlap,
    default_key: str,
    script: Script | None = None,
) -> Spec:
    """Build a spec with its secrets sealed to its own id.

    `script` is what a script target was found to name. The spec names it by its id: a slug may come to be another script's.
    """
    id_ = new_id()
    if script is not None and isinstance(target, ScriptTarget):
        target = target.model_copy(update={"script": str(script.id)})
    return Spec(
        id=id_,
        kind=target.type,
        host=host,
        target=target.model_dump(mode="json", context=sealed_for(sealer, id_)),
        timeout_seconds=timeout_seconds,
        max_attempts=retry.max_attempts,
        retry=retry.model_dump(mode="json", exclude_unset=True),
        on_lost=on_lost,
        overlap_policy=overlap.policy,
        overlap_key=None if overlap.policy is OverlapPolicy.ALLOW else overlap.key or default_key,
        max_running=overlap.max_running,
        queue_max=overlap.queue_max,
        script_id=script.id if script else None,
        script_name=script.name if script else None,
    )


def open_target(sealer: Sealer, spec: Spec) -> Target:
    """Return the target of a spec with its secrets in the clear."""
    return targets.validate_python(spec.target, context=sealed_for(sealer, spec.id))


class OrderBook:
    """The orders used last, by spec id."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        self._orders: OrderedDict[UUID, Order] = OrderedDict()

    async def load(self, session: AsyncSession, spec_ids: Collection[UUID]) -> dict[UUID, Order]:
        """Return the order of each spec, reading those not known yet with one statement."""
        missing = [id_ for id_ in spec_ids if id_ not in self._orders]
        if missing:
            ids = encode_rows(session, [{"id": id_} for id_ in missing])
            for row in await session.execute(_select_by_ids(session), {"ids": ids}):
                self._orders[row.id] = self._open(row)
        found = {id_: self._orders[id_] for id_ in spec_ids}
        while len(self._orders) > CACHED_SPECS:
            self._orders.popitem(last=False)
        return found

    def _open(self, row: sa.Row[Any]) -> Order:
        return Order(
            target=self._find_target(row),
            timeout_seconds=row.timeout_seconds,
            retry=Retry.model_validate(row.retry) if row.retry else NO_RETRY,
            on_lost=row.on_lost,
            is_templated=has_templates(row.target),
            frees_others=row.overlap_policy in {OverlapPolicy.QUEUE, OverlapPolicy.REPLACE},
        )

    def _find_target(self, row: sa.Row[Any]) -> Target | None:
        """Open a target; one that cannot be opened must end its own executions, and not the replica."""
        try:
            return targets.validate_python(row.target, context=sealed_for(self._sealer, row.id))
        except ValidationError as error:
            logger.warning("spec.unreadable", extra={"spec_id": str(row.id), "errors": error.error_count()})
            return None


def _select_by_ids(session: AsyncSession) -> sa.Select[Any]:
    r = recordset(session, "ids", {"id": sa.Uuid()})
    columns = (rows.c[name] for name in ("id", "target", "timeout_seconds", "retry", "on_lost", "overlap_policy"))
    return sa.select(*columns).where(rows.c.id == r.c.id)
