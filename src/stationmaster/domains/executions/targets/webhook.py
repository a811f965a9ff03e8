"""The target `webhook`: an HTTP call."""

from typing import Annotated, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from stationmaster.domains.executions.secret_text import SecretText
from stationmaster.domains.executions.targets.base import TargetFields
from stationmaster.kit.headers import check_header
from stationmaster.web.schema import JsonObject, JsonValue

MAX_HEADERS = 50
Status = Annotated[int, Field(ge=100, le=599)]
Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


class WebhookTarget(TargetFields):
    """An HTTP call.

    Sent with `webhook-id` and `Idempotency-Key` (both the execution's id, the same over all attempts),
    `webhook-timestamp`, and `webhook-signature` when a `signing_secret` is set (Standard Webhooks 1.0).
    Redirects are not followed.
    """

    secret_fields: ClassVar[frozenset[str]] = frozenset({"secret_headers", "signing_secret"})
    origin_fields: ClassVar[frozenset[str]] = frozenset({"url"})

    type: Literal["webhook"]
    url: str = Field(
        max_length=2000, description="http or https address.", examples=["https://example.com/hooks/nightly"]
    )
    method: Method = Field("POST", description="HTTP method.")
    headers: dict[str, str] = Field({}, max_length=MAX_HEADERS, description="Headers to send.")
    secret_headers: dict[str, SecretText] = Field(
        {}, max_length=MAX_HEADERS, description="Headers to send whose values are stored sealed and never shown again."
    )
    body: JsonValue = Field(None, description="Body: text is sent as it is, any other value as JSON.")
    signing_secret: SecretText | None = Field(
        None, description="Standard Webhooks secret, `whsec_` and base64; stored sealed and never shown again."
    )
    timeout_seconds: float = Field(30, gt=0, le=3600, description="Whole time of one call.")
    success_statuses: list[Status] = Field(
        [], max_length=100, description="Answers that count as success; any 2xx when empty."
    )

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        check_url(url)
        return url

    @model_validator(mode="after")
    def _check_headers(self) -> Self:
        names = [name.lower() for name in (*self.headers, *self.secret_headers)]
        if len(set(names)) < len(names):
            raise ValueError("a header is given twice")
        for name, value in self.headers.items():
            check_header(name, value)
        for name, secret in self.secret_headers.items():
            check_header(name, secret.get_secret_value())
        return self

    def with_params(self, params: JsonObject) -> Self:
        """Return the same call with `params` laid over the top level of its JSON body.

        Raises:
            ValueError: the body is something other than a JSON object.
        """
        if not params:
            return self
        if not isinstance(self.body, dict | None):
            raise ValueError(  # noqa: TRY004  # the value is wrong for the user, not the type for the program
                "params are laid over a JSON object, and this webhook's body is something else"
            )
        return self.model_copy(update={"body": {**(self.body or {}), **params}})

    def with_metadata(self, metadata: JsonObject) -> Self:
        """Return the same call with `metadata` as its JSON body when it has none of its own and may carry one."""
        if not metadata or self.body is not None or self.method in {"GET", "HEAD", "OPTIONS"}:
            return self
        return self.model_copy(update={"body": dict(metadata)})


def check_url(url: str) -> None:
    """Refuse what is no plain http(s) address.

    Raises:
        ValueError: another scheme, no host, credentials in it, a bad port, or characters that addresses do not have.
    """
    if any(character <= " " or character in '\\"<>^`{|}\x7f' for character in url):
        raise ValueError("the address has characters that must be percent-encoded")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"}:
        raise ValueError("the address must begin with http:// or https://")
    if not parts.hostname:
        raise ValueError("the address names no host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("credentials do not belong in an address; use secret_headers")
    if parts.port == 0:
        raise ValueError("port 0 cannot be called")
