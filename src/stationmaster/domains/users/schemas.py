"""What the API takes and gives about accounts."""

import json
from datetime import datetime
from typing import Annotated, Any, ClassVar, Self
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, RootModel, StringConstraints

from stationmaster.domains.users.models import Preferences, User
from stationmaster.identity.actor import Role
from stationmaster.kit.emails import normalise_email
from stationmaster.web.schema import Input, JsonObject, Output

MAX_PASSWORD = 256
MAX_UI_BYTES = 65_536


def _line(max_length: int) -> StringConstraints:
    return StringConstraints(strip_whitespace=True, min_length=1, max_length=max_length)


def _single_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("use printable characters only")
    return text


def maybe(**facts: Any) -> Any:
    """Declare a field of a PATCH that may be absent but not null; read such models by `exclude_unset` only."""
    return Field(default_factory=lambda: None, **facts)


Email = Annotated[
    str,
    StringConstraints(max_length=254),
    AfterValidator(normalise_email),
    Field(json_schema_extra={"format": "email"}, examples=["ada@example.com"]),
]
Username = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{2,79}$"),
    Field(description="3 to 80 letters, digits, `.`, `_` or `-`; compared without case.", examples=["ada"]),
]
Name = Annotated[str, _line(120), AfterValidator(_single_line), Field(examples=["Ada Lovelace"])]
Country = Annotated[str, _line(120), AfterValidator(_single_line), Field(examples=["United Kingdom"])]
Institution = Annotated[str, _line(200), AfterValidator(_single_line), Field(examples=["Analytical Engines"])]
NewPassword = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_PASSWORD),
    Field(
        description="12 to 128 characters (the least is a setting), not a common one.",
        examples=["correct horse battery staple"],
        json_schema_extra={"format": "password"},
    ),
]
Password = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_PASSWORD),
    Field(examples=["correct horse battery staple"], json_schema_extra={"format": "password"}),
]


class UserCreate(Input):
    """A new account."""

    email: Email
    username: Username | None = None
    name: Name
    password: NewPassword
    role: Role = Field(Role.USER, description="At most what you manage: an admin gives viewer and user.")
    country: Country | None = None
    institution: Institution | None = None


class UserPatch(Input):
    """The fields to change; absent ones stay."""

    email: Email = maybe(description="Counts as verified, since an administrator gives it.")
    username: Username | None = None
    name: Name = maybe()
    role: Role = maybe(description="At most what you manage.")
    country: Country | None = None
    institution: Institution | None = None
    is_active: bool = maybe(description="False ends all sessions and refuses logins and keys.")
    is_approved: bool = maybe(description="Lets an account in, where registration asks for approval.")


class UserRead(Output):
    """An account."""

    volatile: ClassVar[frozenset[str]] = frozenset({"last_login_at", "updated_at"})

    id: UUID
    email: str = Field(examples=["ada@example.com"])
    username: str | None = Field(examples=["ada"])
    name: str = Field(examples=["Ada Lovelace"])
    role: Role
    country: str | None = Field(examples=["United Kingdom"])
    institution: str | None = Field(examples=["Analytical Engines"])
    is_active: bool
    is_verified: bool = Field(description="Whether the e-mail address is proven.")
    is_approved: bool = Field(description="Whether an administrator let the account in, where that is asked for.")
    last_login_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, user: User) -> "UserRead":
        return cls.model_validate(user)


class NotificationPreferences(Input):
    """What is sent to a person."""

    email_on_job_success: bool = Field(False, description="Mail when a job of theirs succeeded.")
    email_on_job_failure: bool = Field(True, description="Mail when a job of theirs failed.")
    email_on_job_disabled: bool = Field(True, description="Mail when a job of theirs was disabled.")
    email_on_account_activity: bool = Field(
        True, description="Mail about new API keys, a new role, accounts that wait. Warnings about access always go."
    )
    browser_notifications: bool = Field(True, description="Entries in the inbox.")
    daily_digest: bool = Field(False, description="One mail a day.")
    weekly_report: bool = Field(False, description="One mail a week.")

    @classmethod
    def of(cls, preferences: Preferences) -> Self:
        return cls.model_validate(preferences.model_dump(include=set(cls.model_fields)))


def _check_size(document: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(document, ensure_ascii=False).encode()) > MAX_UI_BYTES:
        raise ValueError("use at most 64 KiB")
    return document


class UiPreferences(RootModel[Annotated[JsonObject, AfterValidator(_check_size)]]):
    """A user interface's own document."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"jobs_table_columns": ["name", "next_run_at"]}]})
