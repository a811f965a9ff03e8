"""What the channels share that call an HTTP address: one call, and what its answer means for the message."""

from collections.abc import Mapping
from datetime import timedelta

from stationmaster.domains.outbox.carrier import NotDelivered, Pace
from stationmaster.kit import clock
from stationmaster.kit.retry import Backoff, read_retry_after
from stationmaster.outbound.guard import Blocked
from stationmaster.outbound.http import Answer, DispatchClient, NoAnswer

TOO_MANY_REQUESTS = 429
# 5 s, 15 s, 45 s ... up to 4 h: ten tries span about 13 hours.
BACKOFF = Backoff(initial_seconds=5, multiplier=3, max_seconds=4 * 3600, jitter=False)
MARGIN = timedelta(seconds=5)


def pace_of(timeout_seconds: float, *, batch: int = 10, interval_seconds: float = 0) -> Pace:
    """Return the pace of a channel whose calls end within so many seconds."""
    lease = timedelta(seconds=timeout_seconds) + MARGIN
    return Pace(lease, BACKOFF, batch=batch, interval_seconds=interval_seconds)


async def call(
    client: DispatchClient, url: str, *, headers: Mapping[str, str], body: bytes, timeout_seconds: float
) -> Answer:
    """Make a POST and return its answer, whatever it says.

    Raises:
        NotDelivered: there was no answer. It does not repeat the address.
    """
    sent = {"content-type": "application/json", **headers}
    try:
        return await client.send("POST", url, headers=sent, body=body, timeout_seconds=timeout_seconds)
    except Blocked as error:
        raise NotDelivered(f"The address may not be called: {error}") from error
    except NoAnswer as error:
        raise NotDelivered(str(error)) from error
    except TimeoutError as error:
        raise NotDelivered(f"No complete answer within {timeout_seconds:g} seconds.") from error


def refusal(answer: Answer, *, is_final: bool) -> NotDelivered:
    """Return what an answer that is no success means for the message."""
    seconds = read_retry_after(answer.headers.get("retry-after", ""), clock.now())
    return NotDelivered(
        f"The answer was {answer.status}: {answer.text[:200]}",
        is_final=is_final,
        retry_after=None if seconds is None else timedelta(seconds=seconds),
        is_busy=answer.status == TOO_MANY_REQUESTS,
    )
