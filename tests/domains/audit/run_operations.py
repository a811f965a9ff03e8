"""How to prepare the operations on processes and runs, so that they succeed."""

from typing import TYPE_CHECKING, Any

from stationmaster.kit.ids import new_id

if TYPE_CHECKING:
    from tests.domains.audit.operations import Stage


async def delete(stage: "Stage", noun: str, name: str) -> dict[str, Any]:
    """Delete one of our objects, so that it can be restored."""
    path = f"/api/v1/{noun}/{stage.objects[name]}"
    assert (await stage.client.delete(path, headers=stage.owner.headers)).status_code == 204
    return {}


async def order_steps(stage: "Stage") -> dict[str, Any]:
    return {"json": {"steps": [stage.objects["step_id"]]}}


async def begin_run(stage: "Stage") -> dict[str, Any]:
    return {"json": {"process_id": stage.objects["process_id"], "entity_id": "somebody"}}


async def report_by_names(stage: "Stage") -> dict[str, Any]:
    names = {"process": stage.objects["process_id"], "step": "check", "entity_id": "somebody"}
    return {"json": names | {"status": "success"}}


async def declare_metadata(stage: "Stage") -> dict[str, Any]:
    path = f"/api/v1/processes/{stage.objects['process_id']}"
    schema = {"run_metadata_schema": {"case_type": "string"}}
    assert (await stage.client.patch(path, json=schema, headers=stage.owner.headers)).status_code == 200
    return {"json": {"meta": {"case_type": "garage"}}}


async def cancel_run(stage: "Stage") -> dict[str, Any]:
    path = f"/api/v1/runs/{stage.objects['run_id']}/cancel"
    assert (await stage.client.post(path, headers=stage.owner.headers)).status_code == 200
    return {}


async def hold_run(stage: "Stage") -> dict[str, Any]:
    path = f"/api/v1/runs/{stage.objects['run_id']}/hold"
    assert (await stage.client.post(path, json={"reason": "x"}, headers=stage.boss.headers)).status_code == 200
    return {}


async def fail_step(stage: "Stage") -> dict[str, Any]:
    path = f"/api/v1/step-runs/{stage.objects['step_run_id']}"
    answer = await stage.client.patch(path, json={"status": "failed"}, headers=stage.owner.headers)
    assert answer.status_code == 200
    return {}


async def wait_for_approval(stage: "Stage") -> dict[str, Any]:
    process = {"name": new_id().hex, "steps": [{"name": "agree", "approval": {}}]}
    made = (await stage.client.post("/api/v1/processes", json=process, headers=stage.owner.headers)).json()
    body = {"process_id": made["id"], "entity_id": "somebody"}
    run = (await stage.client.post("/api/v1/runs", json=body, headers=stage.owner.headers)).json()
    stage.objects["step_run_id"] = run["steps"][0]["id"]
    return {}
