"""Params with templates: checked when they are given, resolved when a run is made, and stored as they were resolved."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from stationmaster.errors import FieldError, Invalid
from stationmaster.kit import templates
from stationmaster.kit.templates import Moment, TemplateError
from stationmaster.kit.zone import load_zone

Params = Mapping[str, Any]


def try_out(params: Params | None, *, pointer: str) -> dict[str, Any]:
    """Return params as some run would have them.

    Raises:
        Invalid: a template is not known; `pointer` says where the caller gave it.
    """
    try:
        return dict(templates.resolve(dict(params or {}), templates.EXAMPLE))
    except TemplateError as error:
        raise Invalid(FieldError(str(error), pointer=pointer)) from error


def resolve(
    params: dict[str, Any] | None, *, at: datetime, job_name: str, zone: str, last_success: datetime | None
) -> dict[str, Any] | None:
    """Return params as the run of one instant has them."""
    if params is None or not templates.has_templates(params):
        return params
    return dict(templates.resolve(params, Moment(at, job_name, load_zone(zone), last_success)))
