"""Steps that run scripts: their parameters are held against what the script declares when the step is saved."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.executions.script_use import check_script
from stationmaster.domains.executions.targets.script import ScriptTarget
from stationmaster.domains.processes.models import Process, Step


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


def _is_script(stored: Mapping[str, Any] | None) -> bool:
    return stored is not None and stored.get("type") == "script"
