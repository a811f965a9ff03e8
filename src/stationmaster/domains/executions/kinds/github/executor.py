"""The executor of the target `github`."""

import asyncio
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Protocol

from yarl import URL

from stationmaster.domains.executions.executor import Context, Facts, Outcome
from stationmaster.domains.executions.kinds.github.api import GithubApi, RateLimited, Unreachable
from stationmaster.domains.executions.kinds.github.board import Board, Boards, Gone
from stationmaster.domains.executions.kinds.github.dispatching import Dispatcher, Refused
from stationmaster.domains.executions.kinds.github.following import Following
from stationmaster.domains.executions.kinds.github.reading import is_run_id
from stationmaster.domains.executions.states import Reason, State
from stationmaster.domains.executions.targets.github import GithubTarget
from stationmaster.errors import StationmasterError
from stationmaster.outbound.http import DispatchClient
from stationmaster.setting_groups import GithubSettings

SEARCH_SECONDS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Waits before each search for a run whose dispatch was not answered: GitHub lists it after some seconds."""
CANCEL_SECONDS = (0.0, 2.0, 5.0, 10.0)
UNFINDABLE = (
    "The dispatch was accepted, but this server does not say which run it made, and the workflow does not declare the"
    " correlation input; so it cannot be followed."
)


class Secrets(Protocol):
    """Whoever opens stored secrets for an attempt."""

    async def open(self, names: Collection[str], facts: Facts) -> Mapping[str, str]:
        """Return them by name.

        Raises:
            StationmasterError: one may not be used.
        """


class _Undone(Exception):
    """There is nothing to follow; the outcome says why."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.error)
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What the steps of one attempt share."""

    target: GithubTarget
    context: Context
    board: Board
    deadline: float
    correlation: str


class GithubExecutor:
    """Dispatches workflows and follows their runs; see the package."""

    kind = "github"

    def __init__(self, client: DispatchClient, settings: GithubSettings, secrets: Secrets) -> None:
        self._settings = settings
        self._secrets = secrets
        self._api = GithubApi(client, settings.api_url.rstrip("/"))
        self._dispatcher = Dispatcher(self._api, settings.correlation_input)
        self._boards = Boards(self._api, settings.poll_interval.total_seconds())

    async def run(self, target: GithubTarget, context: Context) -> Outcome:
        """Dispatch once, or go on with what was dispatched; with `follow`, come back at the end of the run."""
        try:
            async with asyncio.timeout(context.timeout_seconds):
                return await self._run(target, context)
        except TimeoutError:
            await self.stop(target, context)
            text = f"The run had not ended after {context.timeout_seconds:g} seconds, and was cancelled."
            return Outcome(State.TIMED_OUT, Reason.TIMEOUT, response_status=200, error=text)
        except _Undone as undone:
            return undone.outcome

    async def stop(self, target: GithubTarget, context: Context) -> None:
        """Cancel the run, if there is one."""
        facts = await context.desk.read_facts()
        if not facts.handle:
            return
        try:
            token = await self._token(target, facts)
        except _Undone:  # the secret is gone, and with it the right to stop anything
            return
        with self._boards.of(_repository(target), token) as board:
            for seconds in CANCEL_SECONDS:
                await asyncio.sleep(seconds)
                if run_id := await self._cancel(board, facts.handle):
                    await context.journal.line(f"Run {run_id} was told to stop.")
                    return

    def check(self, target: GithubTarget) -> None:
        """Refuse a repository that is not on the list, and work for which there is no token.

        Raises:
            ValueError: says why.
        """
        allowed, name = self._settings.repositories, _repository(target).lower()
        is_listed = any(fnmatchcase(name, pattern.lower()) for pattern in allowed)
        if allowed and not is_listed:
            raise ValueError(f"workflows of {name} are not dispatched here")
        if target.credential is None and (self._settings.token is None or not is_listed):
            raise ValueError("name a credential: the house has no token of its own for this repository")

    def host_of(self, target: GithubTarget) -> str:  # noqa: ARG002  # all go to one place
        """Return GitHub's host and port."""
        url = URL(self._settings.api_url)
        return f"{url.host}:{url.port}"

    async def _run(self, target: GithubTarget, context: Context) -> Outcome:
        try:
            self.check(target)  # the list may have changed since it was defined
        except ValueError as error:
            return Outcome(State.FAILED, Reason.BLOCKED, error=f"{error}.", is_final=True)
        facts = await context.desk.read_facts()
        token = await self._token(target, facts)
        context.journal.mask(token)
        with self._boards.of(_repository(target), token) as board:
            correlation = str((facts.handle or {}).get("correlation") or f"{context.execution_id}-{context.attempt}")
            deadline = asyncio.get_running_loop().time() + context.timeout_seconds
            attempt = _Attempt(target, context, board, deadline, correlation)
            run_id = await self._begin(attempt, facts.handle)
            if not target.follow:
                return Outcome(State.SUCCEEDED, response_status=200, result={"run_id": run_id})
            assert run_id is not None
            context.desk.step_aside()
            following = Following(self._api, board, run_id, context.journal, self._settings.log_lines)
            return await following.to_the_end()

    async def _cancel(self, board: Board, handle: Mapping[str, Any]) -> int | None:
        """Cancel the run and return it; None when that cannot be done now."""
        try:
            run_id: int | None = handle.get("run_id") or await _find(board, str(handle.get("correlation")))
            if run_id is None:
                return None
            path = f"/repos/{board.repository}/actions/runs/{run_id}/cancel"
            reply = await self._api.post(path, token=board.token)
        except (Unreachable, RateLimited, Gone):
            return None
        return run_id if reply.status < 500 else None

    async def _token(self, target: GithubTarget, facts: Facts) -> str:
        if target.credential is None:
            assert self._settings.token is not None
            token: str = self._settings.token.get_secret_value()
            return token
        try:
            opened = await self._secrets.open([target.credential], facts)
        except StationmasterError as error:
            outcome = Outcome(State.FAILED, Reason.CLIENT_ERROR, error=str(error), is_final=True)
            raise _Undone(outcome) from error
        return opened[target.credential]

    async def _begin(self, attempt: _Attempt, handle: Mapping[str, Any] | None) -> int | None:
        """Return the run of this attempt: dispatched now, or by a replica that went away. None if nobody can say which.

        Raises:
            _Undone
        """
        if handle:
            known = handle.get("run_id")
            return (
                known if is_run_id(known) else await self._search(attempt, "The replica that dispatched it went away.")
            )
        try:
            run_id, is_correlated = await self._dispatch(attempt)
        except Unreachable as error:
            if error.is_unsent:
                raise _Undone(Outcome(State.FAILED, Reason.NETWORK_ERROR, error=str(error))) from error
            return await self._search(attempt, str(error))
        if run_id is None and (is_correlated or attempt.target.follow):
            return await self._search(
                attempt, UNFINDABLE if not is_correlated else "GitHub did not say which run it made."
            )
        if run_id is not None:
            await self._keep(attempt, run_id)
        return run_id

    async def _dispatch(self, attempt: _Attempt) -> tuple[int | None, bool]:
        """Dispatch as soon as the token's limit allows it.

        The handle says that there may be a run; it is taken back when GitHub says that there is none.
        """
        target, desk, token = attempt.target, attempt.context.desk, attempt.board.token
        while True:
            try:
                self._api.check_limit(token)
                await desk.save_handle({"correlation": attempt.correlation})
                made = await self._dispatcher.dispatch(target, correlation=attempt.correlation, token=token)
            except RateLimited as limited:
                await desk.save_handle({})
                await _wait_out(attempt, limited)
                continue
            except Refused as refused:
                raise _Undone(_refusal(refused)) from refused
            return made.run_id, made.is_correlated

    async def _search(self, attempt: _Attempt, why: str) -> int:
        """Find the run by the correlation input in its title.

        Raises:
            _Undone: it cannot be found; dispatching again could make a second one.
        """
        await attempt.context.journal.line(f"{why} The run is searched by its title.", level="warning")
        for seconds in SEARCH_SECONDS:
            await asyncio.sleep(seconds)
            try:
                run_id = await _find(attempt.board, attempt.correlation)
            except (Unreachable, RateLimited, Gone):
                continue
            if run_id is not None:
                await self._keep(attempt, run_id)
                return run_id
        text = (
            f"{why} No run has {attempt.correlation} in its title; it is not dispatched again, for that could make two."
        )
        raise _Undone(Outcome(State.LOST, Reason.LOST, response_status=200, error=text))

    async def _keep(self, attempt: _Attempt, run_id: int) -> None:
        await attempt.context.desk.save_handle({"correlation": attempt.correlation, "run_id": run_id})
        await attempt.context.journal.line(f"Run {run_id} of {attempt.board.repository} was made.")


async def _find(board: Board, correlation: str) -> int | None:
    """Return the run that has this in its title, whole: attempt 1 is not attempt 10."""
    pattern = re.compile(rf"(?<![\w-]){re.escape(correlation)}(?![\w-])")
    return next((run.id for run in await board.list_newest() if pattern.search(run.title)), None)


async def _wait_out(attempt: _Attempt, limited: RateLimited) -> None:
    """Wait until the token may call again; give up at once when that is after the attempt's time."""
    if asyncio.get_running_loop().time() + limited.seconds > attempt.deadline:
        outcome = Outcome(
            State.FAILED,
            Reason.RATE_LIMIT,
            response_status=429,
            error=str(limited),
            retry_after_seconds=limited.seconds,
        )
        raise _Undone(outcome) from limited
    await attempt.context.journal.line(str(limited), level="warning")
    await asyncio.sleep(limited.seconds)


def _refusal(refused: Refused) -> Outcome:
    return Outcome(State.FAILED, Reason.CLIENT_ERROR, response_status=refused.status, error=str(refused), is_final=True)


def _repository(target: GithubTarget) -> str:
    return f"{target.owner}/{target.repo}"
