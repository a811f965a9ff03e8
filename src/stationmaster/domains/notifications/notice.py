"""What is told: one fact, in words, and what it is about."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from uuid import UUID

MAX_TITLE = 255


class Topic(StrEnum):
    """What a notice tells of. A new one is one line here, and one in `audience.WISHES` for what people may refuse."""

    JOB_SUCCEEDED = "job_succeeded"
    JOB_FAILED = "job_failed"
    JOB_RECOVERED = "job_recovered"
    JOB_PAUSED = "job_paused"
    JOB_ENDING = "job_ending"
    JOB_ENDED = "job_ended"
    CHECK_DOWN = "check_down"
    CHECK_UP = "check_up"
    API_KEY_EXPIRES = "api_key_expires"
    DAILY_DIGEST = "daily_digest"
    WEEKLY_REPORT = "weekly_report"
    TEST = "test"


class Severity(StrEnum):
    """How much a notice matters; shown as its `type`."""

    SUCCESS = "success"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True)
class About:
    """The things that a notice is about."""

    job_id: UUID | None = None
    execution_id: UUID | None = None
    check_id: UUID | None = None


@dataclass(frozen=True)
class Notice:
    """One fact to tell.

    The same `dedupe_key` (at most 120 characters) is told once to each recipient: name the fact by it, such as
    `job_failed:<execution>`. `title` and `text` are plain text, whatever is in them; each channel escapes for itself.
    `link` is a path of ours, such as `/api/v1/executions/<id>`.
    """

    topic: Topic
    title: str
    text: str
    dedupe_key: str
    severity: Severity = Severity.INFO
    link: str | None = None
    about: About = About()

    def __post_init__(self) -> None:
        if self.link is not None and not self.link.startswith("/"):
            raise ValueError("a link is a path of ours: users make no links in what we send")

    @property
    def headline(self) -> str:
        """Return the title on one line, of printable characters, not too long: it becomes the subject of mails."""
        printable = "".join(character if character.isprintable() else " " for character in self.title)
        return " ".join(printable.split())[:MAX_TITLE]

    @property
    def body(self) -> str:
        """Return the text without what no database stores."""
        return self.text.replace("\0", "")

    def facts(self) -> dict[str, object]:
        """Return it as JSON, for the outbox."""
        about = {name: str(id_) for name, id_ in asdict(self.about).items() if id_ is not None}
        return {
            "topic": self.topic,
            "severity": self.severity,
            "title": self.headline,
            "text": self.body,
            "link": self.link,
            "about": about,
        }
