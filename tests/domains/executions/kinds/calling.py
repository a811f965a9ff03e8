"""A webhook executor that may call the receiver of the tests, and short ways to use it."""

import base64
from typing import Any
from uuid import UUID

from stationmaster.domains.executions.desk import TrialDesk
from stationmaster.domains.executions.executor import Context, Facts, Outcome
from stationmaster.domains.executions.journal import TrialJournal
from stationmaster.domains.executions.kinds.webhook import WebhookExecutor
from stationmaster.domains.executions.targets.webhook import WebhookTarget

ID = UUID("01980000-0000-7000-8000-000000000001")
SIGNING_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SIGNING_SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


def target_of(url: str, **fields: Any) -> WebhookTarget:
    return WebhookTarget.model_validate({"type": "webhook", "url": url, **fields})


def context(**fields: Any) -> Context:
    facts: dict[str, Any] = {"execution_id": ID, "attempt": 1, "scheduled_for": None, "timeout_seconds": 5}
    facts |= {"desk": TrialDesk(Facts()), "journal": TrialJournal()}
    return Context(**facts | fields)


async def run(executor: WebhookExecutor, url: str, **fields: Any) -> Outcome:
    return await executor.run(target_of(url, **fields), context())
