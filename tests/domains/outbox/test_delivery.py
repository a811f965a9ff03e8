"""Messages go out if and only if their transaction was committed, and are tried until they do."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from stationmaster.db.engine import Database
from stationmaster.db.session import read_only, unit_of_work
from stationmaster.domains.notifications.channels.email import BACKOFF, PACE, MailCarrier
from stationmaster.domains.outbox.delivery import Courier
from stationmaster.domains.outbox.models import Message, MessageState
from stationmaster.domains.outbox.service import Outbox
from stationmaster.kit import clock
from stationmaster.kit.sealing import Keyring
from stationmaster.outbound.smtp import Mail, MailNotSent
from tests.support.executions import eventually

OUTBOX = Outbox.open("https://station.example/", Keyring(("a secret key of the tests, long enough",)))
NOT_NOW, NEVER = MailNotSent("450 busy", is_final=False), MailNotSent("550 no", is_final=True)


@dataclass
class Carrier:
    """A transport of the tests: keeps mails, or refuses them in the order given."""

    refusals: list[MailNotSent] = field(default_factory=list)
    sent: list[Mail] = field(default_factory=list)
    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def send(self, mail: Mail) -> None:
        if self.meanwhile:
            await self.meanwhile()
        if self.refusals:
            raise self.refusals.pop(0)
        self.sent.append(mail)


async def enqueue(database: Database, key: str = "1", *, outbox: Outbox = OUTBOX) -> None:
    async with unit_of_work(database) as session:
        await outbox.enqueue_mail(session, "account_approved", recipient=f"{key}@example.com", dedupe_key=key, facts={})


async def enqueue_and_fail(database: Database) -> None:
    async with unit_of_work(database) as session:
        await OUTBOX.enqueue_mail(session, "account_approved", recipient="a@x.org", dedupe_key="1", facts={})
        await session.flush()
        raise ZeroDivisionError


async def read(database: Database) -> list[Message]:
    async with read_only(database) as session:
        return list(await session.scalars(select(Message).order_by(col(Message.dedupe_key))))


async def make_due(database: Database) -> None:
    async with unit_of_work(database) as session:
        await session.execute(sa.update(Message).values(available_at=clock.now()))


def courier(database: Database, carrier: Carrier, *, max_attempts: int = 12) -> Courier:
    return Courier(database, OUTBOX, MailCarrier(carrier, OUTBOX.public_url), max_attempts)


async def test_sends_what_was_committed_once(database: Database) -> None:
    carrier = Carrier()
    await enqueue(database)

    counts = [await courier(database, carrier).deliver_due() for _ in range(2)]

    assert counts == [1, 0]
    (mail,) = carrier.sent
    assert (mail.recipient, mail.subject) == ("1@example.com", "Your account is open")
    assert "Stationmaster at https://station.example\n" in mail.text


async def test_forgets_the_content_when_it_was_sent(database: Database) -> None:
    await enqueue(database)
    await courier(database, Carrier()).deliver_due()

    (message,) = await read(database)
    assert (message.state, message.content, message.attempts) == (MessageState.SENT, None, 1)
    assert message.sent_at is not None


async def test_the_content_is_sealed_while_it_waits(database: Database) -> None:
    await enqueue(database)

    (message,) = await read(database)
    assert message.content is not None
    assert message.content.startswith("v1.")
    assert "approved" not in message.content


async def test_nothing_goes_out_of_a_transaction_that_failed(database: Database) -> None:
    carrier = Carrier()
    with pytest.raises(ZeroDivisionError):
        await enqueue_and_fail(database)

    await courier(database, carrier).deliver_due()

    assert carrier.sent == []


async def test_the_same_key_makes_one_message(database: Database) -> None:
    await asyncio.gather(*(enqueue(database) for _ in range(5)))

    assert len(await read(database)) == 1


async def test_tries_again_later_and_later(database: Database) -> None:
    carrier = Carrier(refusals=[NOT_NOW, NOT_NOW])
    await enqueue(database)
    waits = []
    for _ in range(2):
        await courier(database, carrier).deliver_due()
        (message,) = await read(database)
        waits.append(message.available_at - clock.now())
        assert (message.state, message.last_error) == (MessageState.QUEUED, "450 busy")
        assert await courier(database, carrier).deliver_due() == 0
        await make_due(database)
    await courier(database, carrier).deliver_due()

    assert waits == [pytest.approx(timedelta(seconds=s), abs=timedelta(seconds=2)) for s in (30, 75)]
    assert len(carrier.sent) == 1


def test_tries_span_twenty_hours() -> None:
    total = sum(BACKOFF.delay_after(failures) for failures in range(1, 12))

    assert 18 <= total / 3600 <= 22


async def test_gives_up_after_the_last_try(database: Database) -> None:
    carrier = Carrier(refusals=[NOT_NOW] * 3)
    await enqueue(database)
    for _ in range(3):
        await courier(database, carrier, max_attempts=3).deliver_due()
        await make_due(database)

    (message,) = await read(database)
    assert (message.state, message.attempts) == (MessageState.FAILED, 3)
    assert message.content is not None


async def test_gives_up_at_a_final_no(database: Database) -> None:
    await enqueue(database)

    await courier(database, Carrier(refusals=[NEVER])).deliver_due()

    (message,) = await read(database)
    assert (message.state, message.last_error) == (MessageState.FAILED, "550 no")


async def test_gives_up_what_another_key_sealed(database: Database) -> None:
    await enqueue(
        database, outbox=Outbox.open("https://station.example", Keyring(("another secret key, also long enough",)))
    )
    carrier = Carrier()

    await courier(database, carrier).deliver_due()

    (message,) = await read(database)
    assert (message.state, carrier.sent) == (MessageState.FAILED, [])


async def test_one_bad_message_does_not_stop_the_others(database: Database) -> None:
    for key in "123":
        await enqueue(database, key)
    carrier = Carrier(refusals=[NEVER])

    await courier(database, carrier).deliver_due()

    assert len(carrier.sent) == 2


async def test_two_replicas_share_the_work(database: Database) -> None:
    for key in range(2 * PACE.batch):
        await enqueue(database, str(key))
    carrier = Carrier()

    await asyncio.gather(*(courier(database, carrier).deliver_due() for _ in range(2)))

    assert sorted(mail.key for mail in carrier.sent) == sorted(str(key) for key in range(2 * PACE.batch))


async def test_a_message_of_a_dead_replica_goes_out_when_its_claim_ran_out(database: Database) -> None:
    await enqueue(database)

    sending = asyncio.Event()

    async def never_end() -> None:
        sending.set()
        await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group:
        dying = group.create_task(courier(database, Carrier(meanwhile=never_end)).deliver_due())
        await sending.wait()
        dying.cancel()
    carrier = Carrier()
    before = await courier(database, carrier).deliver_due()
    (message,) = await read(database)
    assert message.available_at - clock.now() == pytest.approx(PACE.lease, abs=timedelta(seconds=5))
    await make_due(database)

    after = await courier(database, carrier).deliver_due()

    assert (before, after, len(carrier.sent)) == (0, 1, 1)


async def test_a_late_result_is_dropped(database: Database) -> None:
    """A replica slept while sending; meanwhile its claim ran out and another one sent the mail."""
    await enqueue(database)
    other = Carrier()

    async def sleep_too_long() -> None:
        await make_due(database)
        await courier(database, other).deliver_due()

    await courier(database, Carrier(refusals=[NEVER], meanwhile=sleep_too_long)).deliver_due()

    (message,) = await read(database)
    assert (message.state, len(other.sent)) == (MessageState.SENT, 1)


async def test_runs_by_itself_when_woken(database: Database) -> None:
    carrier = Carrier()

    async def was_sent() -> bool:
        return bool(carrier.sent)

    async with asyncio.TaskGroup() as group:
        running = group.create_task(courier(database, carrier).run())
        await enqueue(database)
        await eventually(was_sent, seconds=2)
        running.cancel()

    assert len(carrier.sent) == 1
