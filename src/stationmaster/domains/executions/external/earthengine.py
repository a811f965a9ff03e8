"""Cancelling tasks on Google Earth Engine by its REST API (v1, "REST Resource: projects.operations").

A cancel is a wish: the operation ends some time after it was taken. So it is looked at afterwards, and counts as cancelled
when it says so itself.
"""

from dataclasses import dataclass, field
from typing import Any

from stationmaster.domains.executions.external.models import TaskState
from stationmaster.domains.executions.external.settling import Verdict
from stationmaster.kit import clock
from stationmaster.kit.json_object import read_object
from stationmaster.kit.retry import read_retry_after
from stationmaster.outbound.google_tokens import GoogleTokens, NoToken, TokenRefused
from stationmaster.outbound.guard import Blocked
from stationmaster.outbound.http import DispatchClient, NoAnswer

SCOPE = "https://www.googleapis.com/auth/earthengine"
CALL_SECONDS = 20.0
CANCELLED_CODE = 1
"""google.rpc.Code.CANCELLED, the error of an operation that was cancelled."""
LONGEST_MESSAGE = 300
NO_CREDENTIALS = "no credentials: STATIONMASTER_EARTHENGINE__CREDENTIALS is not set"
NO_PROJECT = "no project: neither STATIONMASTER_EARTHENGINE__PROJECT nor the credentials name one"
_PASSING = frozenset({408, 409, 425, 429, *range(500, 600)})


class _Unanswered(Exception):
    """No answer came; it may do so later."""


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    data: dict[str, Any]
    retry_after_seconds: float | None

    @property
    def message(self) -> str:
        """What Earth Engine says of a refusal, cut: it is somebody else's text."""
        error = self.data.get("error")
        said = error.get("message") if isinstance(error, dict) else None
        return said[:LONGEST_MESSAGE] if isinstance(said, str) else "it gives no reason"

    @property
    def is_passing(self) -> bool:
        return self.status in _PASSING


@dataclass(slots=True)
class EarthEngine:
    """Cancels tasks of one project. Without `tokens` there are no credentials, and it says so of each."""

    client: DispatchClient
    url: str
    project: str
    tokens: GoogleTokens | None = field(repr=False)

    async def cancel(self, task_id: str) -> Verdict:
        """Ask for the end of a task, and look whether it came."""
        if self.tokens is None:
            return Verdict(TaskState.NOT_CANCELLED, NO_CREDENTIALS)
        if not self.project:
            return Verdict(TaskState.NOT_CANCELLED, NO_PROJECT)
        home = f"projects/{self.project}/operations/"
        name = task_id if "/" in task_id else home + task_id
        if not name.startswith(home):  # else whoever may run a script could stop work that is none of this house's
            return Verdict(TaskState.NOT_CANCELLED, f"it belongs to another project than {self.project}")
        try:
            return await self._cancel(name, self.tokens)
        except (_Unanswered, NoToken) as error:
            return Verdict(TaskState.CANCELLING, str(error))
        except (TokenRefused, Blocked) as error:
            return Verdict(TaskState.NOT_CANCELLED, str(error))

    async def _cancel(self, name: str, tokens: GoogleTokens) -> Verdict:
        reply = await self._call("POST", f"{name}:cancel", tokens)
        if reply.status == 200:
            return await self._look(name, tokens)
        if reply.status == 400:  # so it answers also of an operation that has ended
            return await self._look(name, tokens, refusal=reply.message)
        return _judge(reply)

    async def _look(self, name: str, tokens: GoogleTokens, *, refusal: str | None = None) -> Verdict:
        """Look how an operation stands after its cancel was taken, or was refused with these words."""
        reply = await self._call("GET", name, tokens)
        if reply.status == 200 and reply.data.get("done") is True:
            return _read_end(reply.data)
        if refusal is not None and not reply.is_passing:
            return Verdict(TaskState.NOT_CANCELLED, f"Earth Engine refuses to cancel it: {refusal}")
        if reply.status == 200:
            return Verdict(TaskState.CANCELLING, "Earth Engine took the cancel, and the task has not ended yet.")
        if reply.status in {401, 403}:
            text = f"Earth Engine took the cancel; whether the task has ended may not be read: {reply.message}"
            return Verdict(TaskState.CANCELLED, text)
        return _judge(reply)

    async def _call(self, method: str, path: str, tokens: GoogleTokens) -> _Reply:
        """Call with a token; one that is refused may have been withdrawn, and is asked for anew once."""
        token = await tokens.get()
        reply = await self._send(method, path, token)
        if reply.status != 401:
            return reply
        tokens.forget(token)
        return await self._send(method, path, await tokens.get())

    async def _send(self, method: str, path: str, token: str) -> _Reply:
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        body = b"{}" if method == "POST" else None
        url = f"{self.url.rstrip('/')}/{path}"
        try:
            answer = await self.client.send(method, url, headers=headers, body=body, timeout_seconds=CALL_SECONDS)
        except NoAnswer as error:
            raise _Unanswered(str(error)) from error
        except TimeoutError as error:
            raise _Unanswered(f"Earth Engine did not answer within {CALL_SECONDS:g} seconds.") from error
        wait = read_retry_after(answer.headers.get("retry-after", ""), clock.now())
        return _Reply(answer.status, read_object(answer.text), wait)


def _judge(reply: _Reply) -> Verdict:
    if reply.status == 404:
        return Verdict(TaskState.GONE, "Earth Engine knows no such task: it is gone, or never was.")
    if reply.is_passing:
        text = f"Earth Engine answered {reply.status}: {reply.message}"
        return Verdict(TaskState.CANCELLING, text, reply.retry_after_seconds)
    if reply.status in {401, 403}:
        return Verdict(TaskState.NOT_CANCELLED, f"Earth Engine does not permit it ({reply.status}): {reply.message}")
    return Verdict(TaskState.NOT_CANCELLED, f"Earth Engine answered {reply.status}: {reply.message}")


def _read_end(operation: dict[str, Any]) -> Verdict:
    metadata, error = operation.get("metadata"), operation.get("error")
    state = metadata.get("state") if isinstance(metadata, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    if state == "CANCELLED" or code == CANCELLED_CODE:
        return Verdict(TaskState.CANCELLED)
    known = str(state)[:32] if state else "failed" if error else "done"
    return Verdict(TaskState.ENDED, f"It had ended before it could be cancelled: {known}.")
