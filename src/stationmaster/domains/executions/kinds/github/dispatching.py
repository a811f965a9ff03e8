"""Dispatches a workflow, in the ways that servers of different age understand."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from stationmaster.domains.executions.kinds.github.api import GithubApi, Reply, Unreachable
from stationmaster.domains.executions.kinds.github.reading import is_run_id
from stationmaster.domains.executions.targets.github import GithubTarget

MOST_REMEMBERED = 1000


class Refused(Exception):
    """GitHub said no: there is no run."""

    def __init__(self, reply: Reply, workflow: str) -> None:
        super().__init__(f"GitHub refused to dispatch {workflow}: {reply.status}, {reply.message}.")
        self.status = reply.status


@dataclass(frozen=True, slots=True)
class Way:
    """How a workflow is asked for: under which name, with the run's details wanted, with the correlation input."""

    workflow: str
    wants_details: bool
    is_correlated: bool


@dataclass(frozen=True, slots=True)
class Dispatched:
    """An accepted dispatch; without `run_id` the run has to be searched."""

    run_id: int | None
    is_correlated: bool


@dataclass(slots=True)
class Dispatcher:
    """Dispatches, and remembers which way a workflow wanted it. `correlation_input` is empty where none is sent."""

    api: GithubApi
    correlation_input: str
    _known: dict[tuple[str, str, str], Way] = field(default_factory=dict)

    async def dispatch(self, target: GithubTarget, *, correlation: str, token: str) -> Dispatched:
        """Have a run made, once.

        Another way is tried only after an answer that says that nothing was made: 404 for a file of that name, 422 for an
        input or a field that is not known there.

        Raises:
            Refused, Unreachable, RateLimited
        """
        reply: Reply | None = None
        missing: set[str] = set()
        for way in self._ways(target):
            if way.workflow in missing:
                continue
            reply = await self._ask(target, way, correlation=correlation, token=token)
            if reply.status in {200, 201, 204}:
                self._remember(target, way)
                run_id = reply.data.get("workflow_run_id") if isinstance(reply.data, dict) else None
                return Dispatched(run_id if is_run_id(run_id) else None, way.is_correlated)
            if reply.status == 404:
                missing.add(way.workflow)
            elif reply.status >= 500:
                raise Unreachable(f"GitHub answered the dispatch with {reply.status}; nobody knows what it did.")
            elif reply.status != 422:
                break
        assert reply is not None
        raise Refused(reply, f"{target.owner}/{target.repo}/{target.workflow}")

    async def _ask(self, target: GithubTarget, way: Way, *, correlation: str, token: str) -> Reply:
        inputs: dict[str, Any] = dict(target.inputs)
        if way.is_correlated:
            inputs[self.correlation_input] = correlation
        body: dict[str, Any] = {"ref": target.ref, "inputs": {name: _input(value) for name, value in inputs.items()}}
        if way.wants_details:
            body["return_run_details"] = True
        path = f"/repos/{target.owner}/{target.repo}/actions/workflows/{way.workflow}/dispatches"
        return await self.api.post(path, body, token=token)

    def _ways(self, target: GithubTarget) -> Iterator[Way]:
        """Yield the ways to try, the one that was right last time first."""
        known = self._known.get(_key(target))
        if known:
            yield known
        may_correlate = bool(self.correlation_input) and self.correlation_input not in target.inputs
        for workflow in _names(target.workflow):
            for wants_details in (True, False):
                for is_correlated in (True, False) if may_correlate else (False,):
                    way = Way(workflow, wants_details, is_correlated)
                    if way != known:
                        yield way

    def _remember(self, target: GithubTarget, way: Way) -> None:
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        self._known[_key(target)] = way


def _key(target: GithubTarget) -> tuple[str, str, str]:
    return target.owner.lower(), target.repo.lower(), target.workflow


def _names(workflow: str) -> tuple[str, ...]:
    """Return the files that a name may mean; a number, or a name with an ending, means itself."""
    if "." in workflow or workflow.isdecimal():
        return (workflow,)
    return (f"{workflow}.yml", f"{workflow}.yaml")


def _input(value: Any) -> str:
    """Write an input as GitHub takes them: as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
