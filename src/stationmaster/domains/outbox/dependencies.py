"""The outbox of the application, for routers."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from stationmaster.domains.outbox.service import Outbox


async def _get_outbox(connection: HTTPConnection) -> Outbox:
    outbox: Outbox = connection.app.state.outbox
    return outbox


OutboxDep = Annotated[Outbox, Depends(_get_outbox)]
