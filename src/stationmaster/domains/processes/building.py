"""From what a caller gives to the row of a step."""

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from stationmaster.domains.jobs.rules import JobRules, as_invalid
from stationmaster.domains.processes import step_work
from stationmaster.domains.processes.models import Process, Step
from stationmaster.domains.processes.step_schemas import StepIn, StepPatch
from stationmaster.domains.processes.work_schemas import RerunConfig, Work
from stationmaster.errors import FieldError, Invalid
from stationmaster.kit.ids import new_id

WORK_FIELDS = frozenset(Work.model_fields)
_PLAIN = frozenset({"name", "index", "description", "is_optional", "run_if", "is_rerunnable"})


def make_step(rules: JobRules, process: Process, wanted: StepIn, index: int, pointer: str) -> Step:
    """Make a step; what it depends on is set when all others are there.

    Raises:
        Invalid: a target cannot be carried out here.
    """
    id_ = new_id()
    step = Step(
        id=id_,
        process_id=process.id,
        index=index,
        name=wanted.name,
        description=wanted.description,
        is_optional=wanted.is_optional,
        run_if=wanted.run_if,
        approval=wanted.approval.model_dump(mode="json") if wanted.approval else None,
    )
    if wanted.target is not None:
        work = Work(**{name: getattr(wanted, name) for name in WORK_FIELDS & wanted.model_fields_set})
        step.work = step_work.seal(rules, work, id_, former=None, pointer=f"{pointer}/target")
    if wanted.rerun_config is not None:
        place = f"{pointer}/rerun_config/target"
        step.rerun_config = step_work.seal(rules, wanted.rerun_config, id_, former=None, pointer=place)
    by_default = step.work is not None or step.rerun_config is not None
    step.is_rerunnable = by_default if wanted.is_rerunnable is None else wanted.is_rerunnable
    return step


def set_dependencies(step: Step, names: Sequence[str] | None, others: Sequence[Step], pointer: str) -> None:
    """Let a step wait for others, named by name or id.

    Raises:
        Invalid: there is no such step.
    """
    if names is None:
        step.depends_on = None
        return
    by_name = {other.name: other for other in others} | {str(other.id): other for other in others}
    unknown = [name for name in names if name not in by_name or by_name[name].id == step.id]
    if unknown:
        detail = f"there is no other step {unknown[0][:100]!r} in this process"
        raise Invalid(FieldError(detail, pointer=f"{pointer}/depends_on"))
    step.depends_on = list(dict.fromkeys(str(by_name[name].id) for name in names))


def change_step(rules: JobRules, step: Step, patch: StepPatch, others: Sequence[Step]) -> None:
    """Lay a change over a step.

    Raises:
        Invalid
    """
    given = patch.model_fields_set
    for name in _PLAIN & given:
        setattr(step, name, getattr(patch, name))
    if "depends_on" in given:
        set_dependencies(step, patch.depends_on, others, "")
    if "approval" in given:
        step.approval = patch.approval.model_dump(mode="json") if patch.approval else None
    if WORK_FIELDS & given:
        step.work = _change_work(rules, step, patch)
    if "rerun_config" in given:
        step.rerun_config = _change_rerun(rules, step, patch.rerun_config)
    if step.work is not None and step.approval is not None:
        raise Invalid(FieldError("a step has a target or an approval, not both", pointer="/approval"))


def _change_rerun(rules: JobRules, step: Step, config: RerunConfig | None) -> dict[str, Any] | None:
    if config is None:
        return None
    return step_work.seal(rules, config, step.id, former=step.rerun_config, pointer="/rerun_config/target")


def _change_work(rules: JobRules, step: Step, patch: StepPatch) -> dict[str, Any] | None:
    """Return the work with what was given laid over it; without a target there is none."""
    given = {name: getattr(patch, name) for name in WORK_FIELDS & patch.model_fields_set}
    if given.get("target", ...) is None:
        return None
    kept = {name: value for name, value in (step.work or {}).items() if name not in given and name != "target"}
    try:
        work = Work.model_validate(kept | {name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise as_invalid(error, {}) from error
    if "target" in given:
        return step_work.seal(rules, work, step.id, former=step.work, pointer="/target")
    stored = work.model_dump(mode="json", exclude_unset=True)
    if not (step.work or {}).get("target"):
        raise Invalid(FieldError("belongs to a step with a target", pointer=f"/{min(given)}"))
    return stored | {"target": step.work["target"]}  # type: ignore[index]  # it has a target
