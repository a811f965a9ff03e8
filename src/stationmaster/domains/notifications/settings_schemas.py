"""What the API takes and gives about the ways by which the place is told."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import EmailStr, Field, SecretStr, field_validator

from stationmaster.config import MailSettings
from stationmaster.domains.notifications.place import Hook
from stationmaster.outbound.signing import check_secret
from stationmaster.web.schema import Input, LongText, Output, ShortText

HookUrl = Annotated[SecretStr, Field(max_length=2000)]


class SlackIn(Input):
    """The Slack channel of the place, as a whole."""

    is_enabled: bool = Field(examples=[True])
    webhook_url: HookUrl | None = Field(
        None,
        description="Address of an incoming webhook of Slack. Write-only; left out, the present one stays, null removes it.",
        examples=["https://hooks.slack.com/services/T000/B000/XXXX"],
    )
    channel: Annotated[ShortText, Field(max_length=80)] | None = Field(
        None, description="Sent along for hooks that may choose their channel; Slack's own hooks of apps may not."
    )


class SlackOut(Output):
    is_enabled: bool
    has_webhook_url: bool = Field(description="Whether an address is stored; it is never shown.")
    channel: str | None = Field(examples=["#operations"])

    @classmethod
    def of(cls, hook: Hook) -> Self:
        return cls(is_enabled=hook.is_enabled, has_webhook_url=hook.url is not None, channel=hook.channel)


class WebhookIn(Input):
    """The webhook of the place, as a whole."""

    is_enabled: bool = Field(examples=[True])
    url: HookUrl | None = Field(
        None,
        description="Where each notice is sent to. Write-only; left out, the present one stays, null removes it.",
        examples=["https://receiver.example/stationmaster"],
    )
    signing_secret: Annotated[SecretStr, Field(max_length=1000)] | None = Field(
        None,
        description="`whsec_` and the base64 of 24 to 64 random bytes; two with a space between while receivers change over. "
        "Write-only; left out, the present one stays.",
        examples=["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"],
    )

    @field_validator("signing_secret")
    @classmethod
    def _check_secret(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None:
            check_secret(secret.get_secret_value())
        return secret


class WebhookOut(Output):
    is_enabled: bool
    has_url: bool = Field(description="Whether an address is stored; it is never shown.")
    has_signing_secret: bool = Field(description="Whether a secret is stored; it is never shown.")
    disabled_reason: str | None = Field(
        description="Why the service itself switched it off.", examples=["The receiver answered 410: it is gone."]
    )

    @classmethod
    def of(cls, hook: Hook) -> Self:
        return cls(
            is_enabled=hook.is_enabled,
            has_url=hook.url is not None,
            has_signing_secret=hook.signing_secret is not None,
            disabled_reason=hook.disabled_reason,
        )


class EmailSettingsOut(Output):
    """How mails leave this replica; the operator sets it in the environment (`STATIONMASTER_MAIL__...`)."""

    transport: str = Field(examples=["smtp"])
    host: str = Field(examples=["smtp.example.com"])
    port: int = Field(examples=[587])
    security: str = Field(examples=["starttls"])
    sender: str = Field(examples=["Stationmaster <stationmaster@example.com>"])
    username: str | None = Field(examples=["stationmaster"])
    has_password: bool
    max_attempts: int = Field(examples=[12])

    @classmethod
    def of(cls, settings: MailSettings) -> Self:
        facts = settings.model_dump(include=set(cls.model_fields) - {"has_password"})
        return cls(**facts, has_password=settings.password is not None)


class TestOut(Output):
    """What came of a test message, which was sent at once and not through the outbox."""

    ok: bool = Field(description="Whether it was taken.")
    detail: str = Field(examples=["It was taken."])


class EmailIn(Input):
    """A mail of your own words."""

    to: list[EmailStr] = Field(
        min_length=1, max_length=50, description="One mail goes to each.", examples=[["ops@example.com"]]
    )
    subject: ShortText = Field(examples=["Maintenance on Sunday"])
    text: LongText = Field(
        min_length=1,
        description="Plain text; in the HTML form it is shown as it is.",
        examples=["We are back at noon."],
    )


class EmailQueued(Output):
    """The mails in the outbox; `GET /deliveries/{id}` tells what became of each."""

    delivery_ids: list[UUID]
