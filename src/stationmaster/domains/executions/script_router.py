"""Running scripts over HTTP."""

from collections import defaultdict
from typing import Annotated

from fastapi import APIRouter, Body, Request, Response
from pydantic import Field

from stationmaster.domains.executions import reading, script_runs
from stationmaster.domains.executions.schemas import ExecutionOut
from stationmaster.domains.executions.script_runs import Wish
from stationmaster.identity.dependencies import RequireUser
from stationmaster.web.application import SealerDep, SettingsDep
from stationmaster.web.limits import LimitClass, limited_as
from stationmaster.web.openapi import problems
from stationmaster.web.operation import Operation
from stationmaster.web.schema import Input, JsonObject
from stationmaster.web.session import SessionDep
from stationmaster.web.strict_request import ANY_QUERY

router = APIRouter(prefix="/scripts", tags=["scripts"], route_class=Operation)


class RunIn(Input):
    """The values of one run."""

    params: JsonObject = Field({}, description="Values of the script's parameters.", examples=[{"name": "world"}])
    confirm: bool = Field(False, description="Must be true for a script that is destructive.")


@router.post(
    "/{script}/run",
    status_code=202,
    summary="Run a script",
    responses=problems(403, 404, 409, 429),
    openapi_extra={**limited_as(LimitClass.EXECUTION), **ANY_QUERY},
)
async def run_script(
    script: str,
    actor: RequireUser,
    session: SessionDep,
    settings: SettingsDep,
    sealer: SealerDep,
    request: Request,
    response: Response,
    body: Annotated[RunIn | None, Body()] = None,
) -> ExecutionOut:
    """Queue one execution of a script with these values; values may also stand in the query, those of the body win.

    So many of your scripts run at once; further ones wait, first in, first out, and at last are refused with 429.
    """
    wanted = body or RunIn()
    texts: defaultdict[str, list[str]] = defaultdict(list)
    for name, text in request.query_params.multi_items():
        texts[name].append(text)
    wish = Wish(script, wanted.params, texts, wanted.confirm)
    execution = await script_runs.run_script(session, sealer, settings, wish, actor)
    response.headers["Location"] = f"/api/v1/executions/{execution.id}"
    return await reading.show_execution(session, execution, actor)
