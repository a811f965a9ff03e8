"""Who is told, and by which ways."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from stationmaster.domains.notifications.notice import Notice, Topic
from stationmaster.domains.users.models import Preferences

WISHES: dict[Topic, str] = {
    Topic.JOB_SUCCEEDED: "email_on_job_success",
    Topic.JOB_FAILED: "email_on_job_failure",
    Topic.JOB_RECOVERED: "email_on_job_failure",
    Topic.CHECK_DOWN: "email_on_job_failure",
    Topic.CHECK_UP: "email_on_job_failure",
    Topic.JOB_PAUSED: "email_on_job_disabled",
    Topic.JOB_ENDING: "email_on_job_disabled",
    Topic.JOB_ENDED: "email_on_job_disabled",
    Topic.API_KEY_EXPIRES: "email_on_account_activity",
    Topic.DAILY_DIGEST: "daily_digest",
    Topic.WEEKLY_REPORT: "weekly_report",
}
"""The preference that decides whether a person gets a notice by mail; the inbox gets them all."""

PERSONAL_TOPICS = frozenset({Topic.API_KEY_EXPIRES, Topic.DAILY_DIGEST, Topic.WEEKLY_REPORT})
"""What concerns one person alone: it goes neither to the Slack channel nor to the webhook of the place."""


@dataclass(frozen=True)
class Addressee:
    """A person who can be told, and their wishes."""

    user_id: UUID
    email: str
    preferences: Preferences

    def wants_mail(self, topic: Topic) -> bool:
        wish = WISHES.get(topic)
        return wish is None or bool(getattr(self.preferences, wish))


@dataclass(frozen=True)
class Telling:
    """One notice with everybody who is told: people, further addresses, and whom Slack shall mention."""

    notice: Notice
    people: Sequence[Addressee] = ()
    emails: Sequence[str] = ()
    slack_mention: str | None = None

    @property
    def is_for_the_place(self) -> bool:
        """Say whether it goes where everybody of the place reads."""
        return self.notice.topic not in PERSONAL_TOPICS
