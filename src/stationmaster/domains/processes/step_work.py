"""What a step does, as its row keeps it: with the secrets of its targets sealed to the step's id."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from stationmaster.domains.executions import specs
from stationmaster.domains.executions.secret_text import sealed_for
from stationmaster.domains.executions.targets import Target
from stationmaster.domains.executions.targets.webhook import WebhookTarget
from stationmaster.domains.jobs.rules import JobRules
from stationmaster.domains.jobs.versions import keep_masked
from stationmaster.domains.processes.models import Step
from stationmaster.domains.processes.work_schemas import RerunConfig, Work
from stationmaster.kit.masking import MASK


def read_work(step: Step) -> Work:
    """Return what a step does; secrets stay sealed."""
    return Work.model_validate(step.work or {})


def read_rerun(step: Step) -> RerunConfig:
    """Return how a step is done again; secrets stay sealed."""
    return RerunConfig.model_validate(step.rerun_config or {})


def seal(
    rules: JobRules, model: Work | RerunConfig, step_id: UUID, *, former: Mapping[str, Any] | None, pointer: str
) -> dict[str, Any]:
    """Return work or a rerun as the step's row keeps it; secrets that were sent back masked are those of before.

    Raises:
        Invalid: the target cannot be carried out here.
    """
    stored = model.model_dump(mode="json", exclude_unset=True, exclude={"target"})
    if model.target is None:
        return stored
    known = open_target(rules, former["target"], step_id) if former and former.get("target") else None
    target = keep_masked(model.target, known, pointer=pointer)
    rules.check_target(target, pointer=pointer)
    sealed = target.model_dump(mode="json", exclude_unset=True, context=sealed_for(rules.sealer, step_id))
    return stored | {"target": sealed}


def open_target(rules: JobRules, stored: Mapping[str, Any], step_id: UUID) -> Target | None:
    """Return a target with its secrets in the clear; None when they were sealed with another key."""
    try:
        return specs.targets.validate_python(stored, context=sealed_for(rules.sealer, step_id))
    except ValidationError:
        return None


def mask(stored: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return stored work or a stored rerun with a mask for each secret."""
    shown = dict(stored or {})
    if shown.get("target"):
        shown["target"] = dict(_mask_each(shown["target"]))
    return shown


def _mask_each(target: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    secret = WebhookTarget.secret_fields if target["type"] == "webhook" else frozenset()
    for name, value in target.items():
        if name not in secret or value is None:
            yield name, value
        else:
            yield name, dict.fromkeys(value, MASK) if isinstance(value, dict) else MASK
