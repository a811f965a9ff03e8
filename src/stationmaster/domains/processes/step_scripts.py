"""Steps that run scripts: their parameters are held against what the script declares when the step is saved."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.executions.script_use import check_script, find_runner
from stationmaster.domains.executions.targets.script import ScriptTarget
from stationmaster.domains.processes.models import Process, Step
from stationmaster.domains.scripts.usage import find_parameters
from stationmaster.errors import FieldError, Invalid

NO_FILE = "The script has no parameter of this name that takes a file."


async def check_scripts(session: AsyncSession, process: Process, step: Step, *, pointer: str = "") -> None:
    """Refuse a step whose script the owner of the process may not run, or not with these parameters.

    What comes from the run or from steps before is known only when the step's turn comes, and is checked then.

    Raises:
        Invalid: names what is wrong.
    """
    work, rerun = step.work or {}, step.rerun_config or {}
    later = {*work.get("inputs", {}), *(work.get("fan_out") or {}).get("over", {})}
    for stored, place in ((work.get("target"), "target"), (rerun.get("target"), "rerun_config/target")):
        if _is_script(stored):
            target = ScriptTarget.model_validate(stored)
            await check_script(session, target, owner_id=process.owner_id, pointer=f"{pointer}/{place}", later=later)
            await _check_files(session, process, target, work.get("inputs", {}), pointer)


async def _check_files(
    session: AsyncSession, process: Process, target: ScriptTarget, inputs: Mapping[str, Any], pointer: str
) -> None:
    """Refuse files of steps before where the script, which its owner may run, does not take a file."""
    named = [name for name, given in inputs.items() if _names_artifact(given)]
    if not named:
        return
    parameters = await find_parameters(session, target.script, await find_runner(session, process.owner_id))
    taking = {name for name, found in parameters.properties.items() if found.format == "file"}
    wrong = [FieldError(NO_FILE, pointer=f"{pointer}/inputs/{name}") for name in named if name not in taking]
    if wrong:
        raise Invalid(*wrong)


def _names_artifact(given: Any) -> bool:
    """Say whether an input, as it is stored, names a file of a step before."""
    return any(isinstance(source, Mapping) for source in (given if isinstance(given, list) else [given]))


def _is_script(stored: Mapping[str, Any] | None) -> bool:
    return stored is not None and stored.get("type") == "script"
