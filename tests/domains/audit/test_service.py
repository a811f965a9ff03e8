"""What other rooms say, and when it is entered."""

import pytest

from stationmaster.db.engine import Database
from stationmaster.db.session import unit_of_work
from stationmaster.domains.audit import service as audit
from stationmaster.domains.audit.slip import ANONYMOUS, Slip
from stationmaster.errors import Conflict
from stationmaster.kit.ids import new_id
from tests.domains.audit.reading import read_entries, said


async def note_twice(database: Database) -> None:
    async with unit_of_work(database) as session:
        audit.note(session, "spec", 1, after={"a": 1})
        audit.note(session, "job", 2, before={"a": 1}, after={"a": 2})


async def test_the_last_note_of_a_transaction_counts_and_is_entered_once(database: Database) -> None:
    with audit.operator("create-admin"):
        await note_twice(database)

    (entry,) = await read_entries(database)
    assert (entry.actor_kind, entry.action) == ("operator", "create-admin")
    assert (entry.resource_type, entry.resource_id) == ("job", "2")
    assert (said(entry.before), said(entry.after)) == ({"a": 1}, {"a": 2})


async def test_of_two_transactions_the_first_that_says_something_has_the_entry(database: Database) -> None:
    with audit.operator("create-admin"):
        async with unit_of_work(database):
            pass
        await note_twice(database)
        await note_twice(database)

    assert len(await read_entries(database)) == 1


async def fail_after_note(database: Database) -> None:
    async with unit_of_work(database) as session:
        audit.note(session, "job", 1)
        raise Conflict("changed my mind")


async def test_a_transaction_that_fails_enters_nothing_and_the_next_try_does(database: Database) -> None:
    with audit.operator("create-admin"):
        with pytest.raises(Conflict):
            await fail_after_note(database)
        assert await read_entries(database) == []

        await note_twice(database)

    assert len(await read_entries(database)) == 1


async def test_outside_an_operation_nothing_is_entered(database: Database) -> None:
    audit.mention("job", 1)
    audit.name_caller(new_id())
    audit.leave_out()
    await note_twice(database)

    assert await read_entries(database) == []


async def test_what_is_left_out_is_not_entered(database: Database) -> None:
    with audit.operator("create-admin"):
        audit.leave_out()
        await note_twice(database)

    assert await read_entries(database) == []


async def test_an_anonymous_caller_gets_the_name_that_was_proven(database: Database) -> None:
    user_id = new_id()
    with Slip("log_in", lambda: ANONYMOUS).under_way():
        audit.name_caller(user_id)
        await note_twice(database)

    (entry,) = await read_entries(database)
    assert (entry.actor_kind, entry.actor_id, entry.user_id) == ("user", user_id, user_id)
