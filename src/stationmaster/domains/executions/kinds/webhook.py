"""The executor of webhooks: one HTTP call, signed if asked, and what its answer means.

Every attempt of an execution sends the same `webhook-id` and the same body bytes, by which a receiver can drop
repetitions; the timestamp, and with it the signature, is new each time (Standard Webhooks 1.0).
"""

import base64
import json
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import quote

from stationmaster.domains.executions.executor import Context, Outcome
from stationmaster.domains.executions.states import Reason, State
from stationmaster.domains.executions.targets.webhook import WebhookTarget
from stationmaster.kit import clock
from stationmaster.kit.instants import format_instant
from stationmaster.kit.masking import MASK
from stationmaster.kit.retry import read_retry_after
from stationmaster.outbound import signing
from stationmaster.outbound.guard import Blocked, parse_url
from stationmaster.outbound.http import Answer, DispatchClient, NoAnswer

EXCERPT_CHARACTERS = 1000
_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
SHORTEST_MASKED = 4
"""Shorter texts are in every answer by chance; a secret that short is none."""
TOO_MANY_REQUESTS = 429
GONE = 410
TRY_AGAIN = frozenset({408, 425})
"""Request Timeout and Too Early: 4xx by number, but the same call may do later (RFC 9110, section 15.5.9; RFC 8470)."""


class WebhookExecutor:
    """Sends webhooks through the shared client."""

    kind = "webhook"

    def __init__(self, client: DispatchClient) -> None:
        self._client = client

    async def run(self, target: WebhookTarget, context: Context) -> Outcome:
        """Call the target once. What comes back is data: it is cut, and the target's secrets are masked in it."""
        body = _encode_body(target)
        timeout_seconds = min(target.timeout_seconds, context.timeout_seconds)
        try:
            answer = await self._client.send(
                target.method,
                target.url,
                headers=_headers(target, context, body, at=clock.now()),
                body=body,
                timeout_seconds=timeout_seconds,
            )
        except Blocked as refusal:
            return Outcome(State.FAILED, Reason.BLOCKED, error=_mask(str(refusal), target), is_final=True)
        except NoAnswer as failure:
            return Outcome(State.FAILED, Reason.NETWORK_ERROR, error=_mask(str(failure), target))
        except TimeoutError:
            return Outcome(
                State.TIMED_OUT, Reason.TIMEOUT, error=f"No complete answer within {timeout_seconds:g} seconds."
            )
        return _judge(answer, target)

    async def stop(self, target: WebhookTarget, context: Context) -> None:
        """Do nothing: a call has no work elsewhere that could be ended."""

    def check(self, target: WebhookTarget) -> None:
        """Refuse an address that is written as numbers and may not be called, and a signing secret that cannot sign.

        A host name is judged at each call, by what it leads to then.

        Raises:
            ValueError: says why.
        """
        self._client.check(target.url)
        if target.signing_secret is not None:
            signing.check_secret(target.signing_secret.get_secret_value())

    def host_of(self, target: WebhookTarget) -> str:
        """Return `host:port` in lower case, an IPv6 address in brackets.

        Raises:
            Blocked: the address cannot be read; `check` refuses it too.
        """
        url = parse_url(target.url)
        return f"{(url.host_subcomponent or '').rstrip('.')}:{url.port}".lower()


def _encode_body(target: WebhookTarget) -> bytes | None:
    if target.body is None or isinstance(target.body, str):
        return target.body.encode() if target.body is not None else None
    return _JSON.encode(target.body).encode()


def _headers(target: WebhookTarget, context: Context, body: bytes | None, *, at: datetime) -> dict[str, str]:
    """Return what is sent, by lower-case name: ours go last, so that a target cannot speak for us."""
    message_id = str(context.execution_id)
    headers = _content_type(target) | {name.lower(): value for name, value in target.headers.items()}
    headers |= {name.lower(): value.get_secret_value() for name, value in target.secret_headers.items()}
    headers |= {
        "webhook-id": message_id,
        "idempotency-key": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "stationmaster-attempt": str(context.attempt),
    }
    if context.scheduled_for is not None:
        headers["stationmaster-scheduled-for"] = format_instant(context.scheduled_for)
    if target.signing_secret is not None:
        secret = target.signing_secret.get_secret_value()
        headers["webhook-signature"] = signing.sign(secret, message_id=message_id, at=at, body=body or b"")
    return headers


def _content_type(target: WebhookTarget) -> dict[str, str]:
    if target.body is None:
        return {}
    return {"content-type": "text/plain; charset=utf-8" if isinstance(target.body, str) else "application/json"}


def _judge(answer: Answer, target: WebhookTarget) -> Outcome:
    """Say what an answer means; only the statuses that the target names, or else 2xx, are success."""
    is_success = answer.status in target.success_statuses if target.success_statuses else 200 <= answer.status < 300
    result = _result(answer, target)
    if is_success:
        return Outcome(State.SUCCEEDED, response_status=answer.status, result=result)
    reason, remark = _failure(answer.status)
    return Outcome(
        State.FAILED,
        reason,
        response_status=answer.status,
        error=f"The target answered {answer.status}{remark}.",
        result=result,
        retry_after_seconds=_retry_after(answer) if reason in {Reason.RATE_LIMIT, Reason.SERVER_ERROR} else None,
        is_final=answer.status == GONE,
    )


def _failure(status: int) -> tuple[Reason, str]:
    """Return why such an answer is a failure, and what to add to the bare number."""
    if status >= 500:
        return Reason.SERVER_ERROR, ""
    if status == TOO_MANY_REQUESTS:
        return Reason.RATE_LIMIT, ": too many requests"
    if status in TRY_AGAIN:
        return Reason.TIMEOUT, ": try again later"
    if status == GONE:
        return Reason.CLIENT_ERROR, ": it is gone, and asks not to be called again"
    if 300 <= status < 400:
        return Reason.CLIENT_ERROR, "; redirects are not followed"
    return Reason.CLIENT_ERROR, ", which does not count as success" if status < 300 else ""


def _retry_after(answer: Answer) -> float | None:
    return read_retry_after(answer.headers.get("retry-after", ""), clock.now())


def _result(answer: Answer, target: WebhookTarget) -> dict[str, object]:
    """Return the part of an answer that is kept. Masking comes before cutting, or half a secret could remain."""
    text = _mask(answer.text, target)
    return {
        "body": text[:EXCERPT_CHARACTERS],
        "truncated": answer.is_truncated or len(text) > EXCERPT_CHARACTERS,
        "headers": {name: _mask(value, target)[:EXCERPT_CHARACTERS] for name, value in answer.headers.items()},
    }


def _mask(text: str, target: WebhookTarget) -> str:
    """Hide the target's secrets, in the forms in which a receiver may send them back."""
    if not target.secret_headers and target.signing_secret is None:
        return text
    secrets = [secret.get_secret_value() for secret in target.secret_headers.values()]
    if target.signing_secret is not None:
        secrets.append(target.signing_secret.get_secret_value())
    forms = {form for secret in secrets for form in _forms(secret) if len(form) >= SHORTEST_MASKED}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, MASK)
    return text


def _forms(secret: str) -> Iterator[str]:
    """Yield a secret as it is, its words (`Bearer x`, several signing secrets), and each of these encoded."""
    for part in (secret, *secret.split()):
        yield from (part, part.removeprefix(signing.PREFIX), quote(part, safe=""), json.dumps(part)[1:-1])
        yield base64.b64encode(part.encode()).decode().rstrip("=")
        yield base64.urlsafe_b64encode(part.encode()).decode().rstrip("=")
