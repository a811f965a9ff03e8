"""A replica is killed while it delivers, by SIGKILL and as a real process: nothing is lost, and nothing arrives twice."""

from collections import Counter

import pytest

from stationmaster.config import Settings
from stationmaster.db.engine import Database
from stationmaster.domains.notifications import place
from stationmaster.domains.outbox.models import MessageState
from tests.domains.notifications.channels.hooks import set_up
from tests.domains.notifications.telling import notice, read_messages, tell
from tests.support.executions import eventually
from tests.support.hook import open_hook
from tests.support.mortal import open_mortal

pytestmark = pytest.mark.timeout(150)

NOTICES = 4
CHANNELS = {
    "CHANNELS__TIMEOUT": "1",
    "OUTBOUND_ALLOW": "127.0.0.1",
    "MAIL__TRANSPORT": "off",
}


async def test_killed_in_the_middle_of_a_delivery(database: Database, settings: Settings) -> None:
    """The first call is held open when its sender dies; then Slack is busy, then broken, and then well."""
    async with open_hook() as hook:
        await set_up(database, place.SLACK, hook.url)
        for number in range(NOTICES):
            await tell(database, notice(str(number)))
        hook.is_holding = True

        async def is_called() -> bool:
            return bool(hook.calls)

        with open_mortal(settings, **CHANNELS) as replica:
            await eventually(is_called, seconds=40)
            replica.kill()
            hook.is_holding, hook.answers = False, [(429, "1"), (503, "1")]
            replica.start()

            async def is_over() -> bool:
                return {MessageState.SENT} == {message.state for message in await read_messages(database)}

            await eventually(is_over, seconds=50)

    assert Counter(text.splitlines()[0] for text in hook.texts) == Counter(
        f"title of {number}" for number in range(NOTICES)
    )
