"""Params with templates: checked when they are given, resolved when a run is made, and stored as they were resolved.

Params are those of the target itself (of a script or a container) with those of the schedule or request laid over. A spec
keeps them as they were given, for it is shared; an execution keeps what they came to, and its attempts lay that in.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from stationmaster.domains.executions.targets import Target
from stationmaster.domains.executions.targets.docker import DockerTarget
from stationmaster.domains.executions.targets.script import ScriptTarget
from stationmaster.errors import FieldError, Invalid
from stationmaster.kit import templates
from stationmaster.kit.pointer import escape
from stationmaster.kit.templates import EXAMPLE, TRIALS, Moment, TemplateError
from stationmaster.kit.zone import load_zone

Params = Mapping[str, Any]


def params_of(target: Target) -> dict[str, Any]:
    """Return a target's own params; kinds without any have none."""
    return dict(target.params) if isinstance(target, ScriptTarget | DockerTarget) else {}


def try_out(params: Params | None, *, pointer: str) -> dict[str, Any]:
    """Return params as some run would have them.

    Raises:
        Invalid: a template is not known, or leads out of the calendar. `pointer` is where the caller gave the params.
    """
    return {name: _try(value, f"{pointer}/{escape(name)}") for name, value in (params or {}).items()}


def _try(value: Any, pointer: str) -> Any:
    match value:
        case str():
            return _try_text(value, pointer)
        case Mapping():
            return try_out(value, pointer=pointer)
        case list():
            return [_try(one, f"{pointer}/{index}") for index, one in enumerate(value)]
    return value


def _try_text(text: str, pointer: str) -> Any:
    try:
        for moment in TRIALS:
            templates.resolve(text, moment)
        return templates.resolve(text, EXAMPLE)
    except TemplateError as error:
        raise Invalid(FieldError(str(error), pointer=pointer)) from error


def is_templated(given: Params | None, own: Params | None) -> bool:
    """Say whether params given for a run, or the target's own, have templates."""
    return templates.has_templates(given) or templates.has_templates(own)


def resolve(
    given: Params | None,
    *,
    own: Params | None,
    at: datetime,
    job_name: str,
    zone: str,
    last_success: datetime | None,
) -> dict[str, Any] | None:
    """Return the params that an execution keeps: the given ones, and of the target's own those with templates.

    Raises:
        TemplateError: one is not known, or leads out of the calendar; `try_out` refuses such before they are stored.
    """
    templated = {name: value for name, value in (own or {}).items() if templates.has_templates(value)}
    wanted = {**templated, **(given or {})}
    if not templates.has_templates(wanted):
        return None if given is None else dict(given)
    return dict(templates.resolve(wanted, Moment(at, job_name, load_zone(zone), last_success)))
