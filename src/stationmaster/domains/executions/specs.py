"""Specs: stored sealed, opened for the executor, kept open in memory because they never change."""

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from stationmaster.domains.executions.models import OnLost, OverlapPolicy, Spec
from stationmaster.domains.executions.policies import Overlap, Retry
from stationmaster.domains.executions.secret_text import sealed_for
from stationmaster.domains.executions.targets import Target
from stationmaster.kit.ids import new_id
from stationmaster.kit.sealing import Sealer

CACHED_SPECS = 20_000

targets: TypeAdapter[Target] = TypeAdapter(Target)


@dataclass(frozen=True, slots=True)
class Order:
    """An opened spec: all that an attempt needs."""

    target: Target
    timeout_seconds: float
    retry: Retry
    frees_others: bool
    """Whether others may wait for this one's end (overlap `queue` or `replace`)."""


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
) -> Spec:
    """Build a spec with its secrets sealed to its own id."""
    id_ = new_id()
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
        missing = {id_ for id_ in spec_ids if id_ not in self._orders}
        if missing:
            for spec in await session.scalars(select(Spec).where(col(Spec.id).in_(missing))):
                self._orders[spec.id] = self._open(spec)
        found = {id_: self._orders[id_] for id_ in spec_ids}
        while len(self._orders) > CACHED_SPECS:
            self._orders.popitem(last=False)
        return found

    def _open(self, spec: Spec) -> Order:
        return Order(
            target=open_target(self._sealer, spec),
            timeout_seconds=spec.timeout_seconds,
            retry=Retry.model_validate(spec.retry),
            frees_others=spec.overlap_policy in {OverlapPolicy.QUEUE, OverlapPolicy.REPLACE},
        )
