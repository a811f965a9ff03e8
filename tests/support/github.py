"""A server on a loopback socket that behaves like GitHub's REST API for Actions, and misbehaves on request.

Workflows are added by hand; a dispatch makes a run, which stays queued until a test moves it on. Every call is in `calls`.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

TOKEN = "ghp_a-token-of-the-tests"
Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@dataclass
class Workflow:
    """A workflow's file. `title` is its run-name, with `{input}` where an input stands."""

    file: str
    inputs: frozenset[str] = frozenset()
    title: str = "nightly"


@dataclass
class GithubServer:
    """The server; `faults` are answers given instead of the next ones to a dispatch, see `misbehave`."""

    tells_run_ids: bool = True
    knows_details: bool = True
    workflows: dict[str, Workflow] = field(default_factory=dict)
    runs: dict[int, dict[str, Any]] = field(default_factory=dict)
    jobs: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    logs: dict[int, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    cancelled: list[int] = field(default_factory=list)
    faults: list[Handler] = field(default_factory=list)
    read_faults: list[Handler] = field(default_factory=list)
    tokens_seen: set[str | None] = field(default_factory=set)
    unchanged: int = 0
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def add(self, workflow: Workflow) -> None:
        self.workflows[workflow.file] = workflow

    def finish(self, run_id: int, conclusion: str = "success") -> None:
        self.runs[run_id] |= {"status": "completed", "conclusion": conclusion}

    def add_job(self, run_id: int, name: str, conclusion: str, log: str, *, failed_step: str | None = None) -> None:
        job_id = 7000 + len(self.logs)
        steps = [{"name": failed_step, "conclusion": "failure"}] if failed_step else []
        job = {"id": job_id, "name": name, "status": "completed", "conclusion": conclusion, "steps": steps}
        self.jobs.setdefault(run_id, []).append(job)
        self.logs[job_id] = log

    async def has_run(self) -> int:
        """Wait for the newest run."""
        while not self.runs:
            await asyncio.sleep(0.01)
        return max(self.runs)

    def make_run(self, workflow: Workflow, inputs: dict[str, str]) -> int:
        run_id = 30_433_642 + len(self.runs)
        title = workflow.title
        for name, value in inputs.items():
            title = title.replace("{" + name + "}", value)
        self.runs[run_id] = {
            "id": run_id, "name": workflow.file, "display_title": title, "status": "queued", "conclusion": None,
            "event": "workflow_dispatch", "html_url": f"https://github.com/acme/reports/actions/runs/{run_id}",
        }  # fmt: skip
        return run_id

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.calls.append(f"{request.method} {request.path}")
        self.tokens_seen.add(request.headers.get("authorization"))
        if request.path.startswith("/storage/"):
            return web.Response(text=self.logs[int(request.path.rpartition("/")[2])])
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return web.json_response({"message": "Bad credentials"}, status=401)
        if request.method == "POST" and request.path.endswith("/dispatches"):
            self.bodies.append(await request.json())
            return await (self.faults.pop(0) if self.faults else self.dispatch)(request)
        if request.method == "POST":
            return self.cancel(request)
        return await (self.read_faults.pop(0) if self.read_faults else self.read)(request)

    async def dispatch(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.json()
        workflow = self.workflows.get(request.path.split("/")[-2])
        if workflow is None:
            return web.json_response({"message": "Not Found"}, status=404)
        if not self.knows_details and "return_run_details" in body:
            return web.json_response({"message": "return_run_details is not a permitted key"}, status=422)
        if unexpected := set(body["inputs"]) - workflow.inputs:
            return web.json_response({"message": f"Unexpected inputs provided: {sorted(unexpected)}"}, status=422)
        run_id = self.make_run(workflow, body["inputs"])
        if not self.tells_run_ids or not body.get("return_run_details"):
            return web.Response(status=204)
        return web.json_response({"workflow_run_id": run_id, "html_url": self.runs[run_id]["html_url"]})

    def cancel(self, request: web.BaseRequest) -> web.StreamResponse:
        run_id = int(request.path.split("/")[-2])
        self.cancelled.append(run_id)
        self.finish(run_id, "cancelled")
        return web.json_response({}, status=202)

    async def read(self, request: web.BaseRequest) -> web.StreamResponse:
        parts = request.path.strip("/").split("/")
        data: dict[str, Any] | None = None
        if parts[-1] == "runs":
            newest = sorted(self.runs.values(), key=lambda run: -run["id"])[: int(request.query.get("per_page", 30))]
            data = {"total_count": len(self.runs), "workflow_runs": newest}
        elif parts[-1] == "jobs":
            data = {"jobs": self.jobs.get(int(parts[-2]), [])}
        elif parts[-1] == "logs":
            return web.Response(status=302, headers={"location": f"{self.url}/storage/{parts[-2]}"})
        elif int(parts[-1]) in self.runs:
            data = self.runs[int(parts[-1])]
        if data is None:
            return web.json_response({"message": "Not Found"}, status=404)
        return self._conditional(request, data)

    def _conditional(self, request: web.BaseRequest, data: dict[str, Any]) -> web.StreamResponse:
        etag = f'W/"{hash(json.dumps(data))}"'
        if request.headers.get("if-none-match") == etag:
            self.unchanged += 1
            return web.Response(status=304, headers={"etag": etag})
        return web.json_response(data, headers={"etag": etag})


def status(code: int, *, message: str = "trouble", **headers: str) -> Handler:
    """Make a fault: this status, and nothing done. Underscores of header names stand for hyphens."""

    async def fault(_request: web.BaseRequest) -> web.StreamResponse:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.json_response({"message": message}, status=code, headers=sent)

    return fault


def lost_answer(server: GithubServer) -> Handler:
    """Make a fault: the run is made, and the connection breaks before the answer."""

    async def fault(request: web.BaseRequest) -> web.StreamResponse:
        await server.dispatch(request)
        assert request.transport
        request.transport.close()
        return web.Response()

    return fault


def error_after_effect(server: GithubServer) -> Handler:
    """Make a fault: the run is made, and the answer is 502."""

    async def fault(request: web.BaseRequest) -> web.StreamResponse:
        await server.dispatch(request)
        return web.json_response({"message": "Server Error"}, status=502)

    return fault


@asynccontextmanager
async def open_github() -> AsyncIterator[GithubServer]:
    """Listen for as long as the context lasts."""
    server = GithubServer()
    runner = web.ServerRunner(web.Server(server.answer))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.port = runner.addresses[0][1]
    try:
        yield server
    finally:
        await runner.cleanup()
