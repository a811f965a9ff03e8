"""The dependency of the whole application that counts calls, and the throttle for those who look into it."""

import logging
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from stationmaster.domains.rate_limits.errors import TooManyCalls
from stationmaster.identity.caller import Caller, find_caller
from stationmaster.kit import clock
from stationmaster.telemetry import metrics
from stationmaster.web.limits import LimitClass, limit_class_of, promise_headers
from stationmaster.web.routes import route_table
from stationmaster.web.throttle import Throttle

logger = logging.getLogger(__name__)


async def get_throttle(connection: HTTPConnection) -> Throttle:
    """Return the throttle that the lifespan opened."""
    throttle: Throttle = connection.app.state.throttle
    return throttle


ThrottleDep = Annotated[Throttle, Depends(get_throttle)]


async def count_call(connection: HTTPConnection, throttle: ThrottleDep) -> None:
    """Count the call on its caller's budget.

    Raises:
        TooManyCalls: the budget is used up.
    """
    route = route_table(connection.app).find(connection.scope)
    assert route is not None, "routes are added before the first request"
    limit_class = limit_class_of(route)
    if limit_class is None or not throttle.is_enabled:
        return
    who = await _budget_of(connection, limit_class)
    standing = await throttle.count(connection, limit_class, who) if who else None
    if standing is None:
        return
    promise_headers(connection.scope, standing.headers)
    if standing.is_over:
        metrics.rate_limited.labels(limit_class.value).inc()
        logger.info("rate_limit.exceeded", extra={"limit": limit_class.value, "by": who.partition(":")[0]})
        raise TooManyCalls(standing.item, standing.reset_at - clock.now().timestamp())


Throttled = Depends(count_call)


async def _budget_of(connection: HTTPConnection, limit_class: LimitClass) -> str:
    """Name whose budget a call draws on; empty for callers without limit."""
    caller = await find_caller(connection)
    if limit_class.is_for_strangers:
        return Caller(caller.address).budget
    is_exempt = caller.actor is not None and caller.actor.is_admin
    return "" if is_exempt else caller.budget
