"""The `schedule:` of a GitHub workflow file as a job that dispatches the workflow."""

from typing import Any

from stationmaster.domains.jobs.transfer.document import load_yaml
from stationmaster.domains.jobs.transfer.movers.moved import CannotMove, Moved


def move_workflow(text: str, *, repository: str | None, file_name: str | None, name: str | None) -> Moved:
    """Read a workflow file. Its expressions are in UTC unless they name a zone (GitHub Docs, "Events", schedule).

    Raises:
        CannotMove: it is no workflow with a schedule, or nobody says where it stands.
    """
    if repository is None or file_name is None:
        raise CannotMove("say in which repository (`repository`) and in which file (`file_name`) the workflow stands")
    workflow = _load(text)
    # YAML 1.1 reads the key `on` as true; as JSON it is the text "true".
    events = workflow.get("on", workflow.get("true", {}))
    plans = events.get("schedule") if isinstance(events, dict) else None
    if not isinstance(plans, list) or not plans:
        raise CannotMove("the workflow has no schedule")
    owner, repo = repository.split("/")
    job = {
        "name": name or str(workflow.get("name") or file_name),
        "target": {"type": "github", "owner": owner, "repo": repo, "workflow": file_name},
        "schedules": [_describe(plan) for plan in plans],
    }
    notes = ["Take the `schedule:` out of the workflow, or it runs twice."]
    if "workflow_dispatch" not in events:
        notes.append("Add `workflow_dispatch:` to the workflow's `on:`, or it cannot be started from outside.")
    return Moved([job], notes)


def _load(text: str) -> dict[str, Any]:
    try:
        found = load_yaml(text)
    except ValueError as error:
        raise CannotMove(f"the text {error}") from error
    if len(found) != 1 or not isinstance(found[0], dict):
        raise CannotMove("the text is not a workflow file")
    return found[0]


def _describe(plan: Any) -> dict[str, Any]:
    if not isinstance(plan, dict) or not isinstance(plan.get("cron"), str):
        raise CannotMove("an entry of `schedule` has no `cron`")
    return {"cron_expression": plan["cron"], "timezone": str(plan.get("timezone") or "UTC")}
