"""Where signs of life are sent to: at the root, short, by any of GET, HEAD and POST, with nothing but the key."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import PlainTextResponse
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.checks import signs
from stationmaster.domains.checks.models import Signal
from stationmaster.errors import FieldError, Invalid
from stationmaster.kit.addresses import truncate_address
from stationmaster.web.openapi import UNAUDITED, problems
from stationmaster.web.operation import Operation
from stationmaster.web.session import SessionDep

router = APIRouter(prefix="/ping", tags=["checks"], route_class=Operation, default_response_class=PlainTextResponse)

HIGHEST_EXIT_CODE = 255
WORDS = {"start": Signal.START, "fail": Signal.FAIL, "log": Signal.LOG}

PingKey = Annotated[str, Path(max_length=64, description="From the check's `ping_url`.")]
SignalText = Annotated[
    str, Path(max_length=8, description="`start`, `fail`, `log`, or an exit code: 0 is success.", examples=["start"])
]


@router.get("/{ping_key}", summary="Give a sign of life", responses=problems(404))
async def ping(ping_key: PingKey, session: SessionDep, request: Request) -> str:
    """Say that a run has ended well. Answers `OK`."""
    return await _take(session, request, ping_key, Signal.SUCCESS)


@router.post("/{ping_key}", summary="Give a sign of life with a text", responses=problems(404), openapi_extra=UNAUDITED)
async def ping_with_text(ping_key: PingKey, session: SessionDep, request: Request) -> str:
    """Say that a run has ended well; the body, of whatever kind, is kept with it, up to 10,000 characters."""
    return await _take(session, request, ping_key, Signal.SUCCESS)


@router.get("/{ping_key}/{signal}", summary="Give a particular sign", responses=problems(404))
async def ping_signal(ping_key: PingKey, signal: SignalText, session: SessionDep, request: Request) -> str:
    """Say that a run begins (`start`), has failed (`fail`), ended with an exit code, or only that something is logged."""
    return await _take(session, request, ping_key, *_read_signal(signal))


@router.post(
    "/{ping_key}/{signal}",
    summary="Give a particular sign with a text",
    responses=problems(404),
    openapi_extra=UNAUDITED,
)
async def ping_signal_with_text(ping_key: PingKey, signal: SignalText, session: SessionDep, request: Request) -> str:
    """Give a sign as GET does; the body, of whatever kind, is kept with it, up to 10,000 characters."""
    return await _take(session, request, ping_key, *_read_signal(signal))


def _read_signal(text: str) -> tuple[Signal, int | None]:
    if text in WORDS:
        return WORDS[text], None
    if text.isascii() and text.isdecimal() and int(text) <= HIGHEST_EXIT_CODE:
        return (Signal.SUCCESS if int(text) == 0 else Signal.FAIL), int(text)
    detail = f"is start, fail, log, or an exit code from 0 to {HIGHEST_EXIT_CODE}"
    raise Invalid(FieldError(detail, parameter="signal"))


async def _take(session: AsyncSession, request: Request, key: str, signal: Signal, exit_code: int | None = None) -> str:
    body = (await request.body()).decode(errors="replace").replace("\0", "")
    sign = replace(
        await signs.now_sign(session, signal),
        exit_code=exit_code,
        method=request.method,
        address=truncate_address(request.client.host) if request.client else None,
        user_agent=request.headers.get("user-agent"),
        body=body or None,
    )
    await signs.take_ping(session, key, sign)
    return "OK"
