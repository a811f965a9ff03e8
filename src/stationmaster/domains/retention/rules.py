"""All rules, from the rooms that offer them."""

from dataclasses import dataclass

from stationmaster.db.retention import Rule
from stationmaster.domains.audit import retention as audit
from stationmaster.domains.audit.chain import SealKey
from stationmaster.domains.auth import retention as sessions
from stationmaster.domains.executions import retention as executions
from stationmaster.domains.jobs import retention as jobs
from stationmaster.domains.notifications import retention as notifications
from stationmaster.domains.outbox import retention as messages
from stationmaster.domains.retention.repository import count_old, remove_old
from stationmaster.domains.runs import retention as runs
from stationmaster.domains.status import retention as status
from stationmaster.retention_settings import RetentionSettings


@dataclass(frozen=True)
class Policy:
    """Made once by the lifespan: the rules, and whether the leader applies them by itself."""

    rules: tuple[Rule, ...]
    is_enabled: bool


def make_policy(settings: RetentionSettings, key: SealKey) -> Policy:
    """Collect the rules; a new one is one line here."""
    rules = (
        *jobs.rules(settings, runs.is_held),
        *executions.rules(settings, runs.is_held),
        *notifications.rules(settings),
        *messages.rules(settings),
        *sessions.rules(settings),
        *runs.rules(settings),
        *status.rules(settings),
        *audit.rules(settings, key),
        Rule("reports", "What retention says it removed.", count_old, remove_old, keep=settings.reports),
    )
    return Policy(rules, settings.enabled)
