"""Running a script on request: each person has so many places, and whoever finds them taken waits in line."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.config import Settings
from stationmaster.domains.audit import service as audit
from stationmaster.domains.executions import service as executions
from stationmaster.domains.executions import specs
from stationmaster.domains.executions.errors import NetworkNotGranted
from stationmaster.domains.executions.models import Execution, OnLost, OverlapPolicy
from stationmaster.domains.executions.policies import Overlap, Retry
from stationmaster.domains.executions.script_use import find_use
from stationmaster.domains.executions.states import State, Trigger
from stationmaster.domains.executions.targets.script import ScriptTarget
from stationmaster.domains.scripts import usage
from stationmaster.domains.scripts.errors import ConfirmationNeeded
from stationmaster.domains.scripts.usage import Use
from stationmaster.errors import TooManyRequests
from stationmaster.identity.actor import Actor
from stationmaster.kit.sealing import Sealer
from stationmaster.setting_groups import ScriptSettings

RETRY_SECONDS = 30
MARGIN_SECONDS = 30
"""The engine lets an attempt live a little longer than the script may, so that the script's own limit is what it meets."""


class LineFull(TooManyRequests):
    title = "Too many of your scripts wait already"

    def __init__(self, running: int, waiting: int) -> None:
        super().__init__(
            f"You have {running} scripts running and {waiting} waiting; try again later.",
            retry_after_seconds=RETRY_SECONDS,
        )


@dataclass(frozen=True)
class Wish:
    """What somebody wants to run; `texts` are values that came as text and are read as the script declares them."""

    script: str
    params: Mapping[str, Any]
    texts: Mapping[str, Sequence[str]]
    is_confirmed: bool = False


async def run_script(session: AsyncSession, sealer: Sealer, settings: Settings, wish: Wish, actor: Actor) -> Execution:
    """Queue one execution of a script.

    Raises:
        ScriptNotFound, OnlyOwner, NotReady, Invalid, SecretsNotGranted, ConfirmationNeeded, NetworkNotGranted
        LineFull: all the caller's places are taken, and so is the line.
    """
    given = {**await _read_texts(session, wish, actor), **wish.params}
    use, _ = await find_use(session, wish.script, given, actor)
    if use.manifest.destructive and not wish.is_confirmed:
        raise ConfirmationNeeded(use.script.slug)
    _check_network(settings, use)
    execution = await _dispatch(session, sealer, settings.scripts, use, given, actor=actor)
    if execution.state is State.SKIPPED:
        raise LineFull(settings.scripts.running_per_user, settings.scripts.queued_per_user)
    audit.note(session, "execution", execution.id, after={"script": use.script.slug, "params": given})
    return execution


def _check_network(settings: Settings, use: Use) -> None:
    """Refuse a script that could not begin: it says at once what its execution would only say in its turn."""
    if use.manifest.network == "none":
        return
    if use.manifest.runtime == "sandbox" and not settings.sandbox.allow_network:
        raise NetworkNotGranted(use.script.slug, "STATIONMASTER_SANDBOX__ALLOW_NETWORK")
    if use.manifest.runtime == "docker" and not settings.docker.network:
        raise NetworkNotGranted(use.script.slug, "STATIONMASTER_DOCKER__NETWORK")


async def _dispatch(
    session: AsyncSession, sealer: Sealer, settings: ScriptSettings, use: Use, given: Mapping[str, Any], *, actor: Actor
) -> Execution:
    spec = specs.make_spec(
        sealer,
        target=ScriptTarget(type="script", script=str(use.script.id), params=dict(given)),
        host=None,
        timeout_seconds=use.manifest.timeout_seconds + MARGIN_SECONDS,
        retry=Retry(),
        on_lost=OnLost.FAIL,
        overlap=Overlap(
            policy=OverlapPolicy.QUEUE, max_running=settings.running_per_user, queue_max=settings.queued_per_user
        ),
        default_key=f"scripts of {actor.user_id}",
        script=use.script,
    )
    return await executions.dispatch(
        session,
        spec,
        trigger=Trigger.MANUAL,
        owner_id=actor.user_id,
        requested_by=actor.user_id,
        params=dict(given),
    )


async def _read_texts(session: AsyncSession, wish: Wish, actor: Actor) -> dict[str, Any]:
    """Read values that came in the address: as text where text is declared, as JSON where that makes sense."""
    if not wish.texts:
        return {}
    parameters = await usage.find_parameters(session, wish.script, actor)
    values: dict[str, Any] = {}
    for name, texts in wish.texts.items():
        found = parameters.properties.get(name)
        is_text = found is not None and found.type == "string"
        read = [text if is_text else _read_json(text) for text in texts]
        values[name] = read if found is not None and found.type == "array" and len(read) > 1 else read[-1]
    return values


def _read_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
