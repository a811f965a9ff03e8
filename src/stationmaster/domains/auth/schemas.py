"""What the API takes and gives about logins."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from stationmaster.domains.api_keys.stats import UsageStats
from stationmaster.domains.auth.grant import Grant
from stationmaster.domains.auth.models import UserSession
from stationmaster.domains.users.models import User
from stationmaster.domains.users.schemas import (
    Country,
    Email,
    Institution,
    Name,
    NewPassword,
    Password,
    Username,
    UserRead,
    maybe,
)
from stationmaster.identity.actor import Actor, Role
from stationmaster.web.schema import Input, Output

Identifier = Annotated[str, StringConstraints(min_length=1, max_length=254)]
RefreshTokenText = Annotated[
    str,
    # Longer than ours ever are: an access token sent by mistake is refused as a credential, with 401.
    StringConstraints(min_length=1, max_length=4096),
    Field(examples=["smr_0aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV1wX2yZ3aB4cD5eF6"]),
]
MailedToken = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200),
    Field(examples=["smm_0aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV1wX2yZ3aB4cD5eF6"]),
]
CSRF_EXAMPLE = "5f2b8a0c4d9e7f61a3b2c1d0e9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0"
MAIL_ACCEPTED = "If that address is waiting for it, a mail is on its way."
ACCESS_TOKEN_EXAMPLE = "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl"  # noqa: S105


class Login(Input):
    """An e-mail address or a user name, in any case, and the password."""

    email: Identifier | None = Field(
        None, description="E-mail address; or give `username`.", examples=["ada@example.com"]
    )
    username: Identifier | None = Field(None, description="User name (an e-mail address will do, too).")
    password: Password
    cookie: bool = Field(False, description="For browsers: put the tokens into cookies instead of the answer.")

    @model_validator(mode="after")
    def _check_one_name(self) -> Self:
        if (self.email is None) == (self.username is None):
            raise ValueError("give either email or username")
        return self

    @property
    def identifier(self) -> str:
        return self.email or self.username or ""


class LoginForm(Input):
    """The password grant's form (RFC 6749 section 4.3.2). There are no OAuth clients here, so any may be named."""

    grant_type: Literal["password"] = "password"  # the name of a grant
    username: Identifier = Field(description="User name or e-mail address.", examples=["ada@example.com"])
    password: Password
    scope: Literal[""] = Field("", description="Sessions have no scopes; API keys have.")
    client_id: str | None = Field(None, max_length=255, description="Not looked at.")
    client_secret: str | None = Field(None, max_length=255, description="Not looked at.")


class RefreshRequest(Input):
    refresh_token: RefreshTokenText | None = Field(
        None, description="The one from the last login or refresh; browsers have it in a cookie instead."
    )


class LogoutRequest(Input):
    refresh_token: RefreshTokenText | None = Field(
        None, description="Ends that token's session, also without a bearer."
    )


class TokenPair(Output):
    """Tokens of a session; their field names are those of OAuth 2 (RFC 6749 section 5.1)."""

    access_token: str = Field(description="Send it as `Authorization: Bearer ...`.", examples=[ACCESS_TOKEN_EXAMPLE])
    refresh_token: RefreshTokenText = Field(description="Exchange it at POST /auth/refresh; it works once.")
    token_type: Literal["bearer"] = "bearer"  # noqa: S105  # the name of a scheme
    expires_in: int = Field(description="Seconds until the access token ends.", examples=[600])

    @classmethod
    def of(cls, grant: Grant) -> Self:
        return cls(
            access_token=grant.access_token,
            refresh_token=grant.refresh_token,
            expires_in=grant.expires_in_seconds,
        )


class LoginResult(TokenPair):
    """Tokens of a new session, and whose it is."""

    user: UserRead

    @classmethod
    def of(cls, grant: Grant) -> Self:
        return cls(**TokenPair.of(grant).model_dump(), user=UserRead.of(grant.user))


class CookieSession(Output):
    """A session whose tokens are in cookies."""

    user: UserRead
    csrf_token: str = Field(description="Send it as `X-CSRF-Token` with every call but GET.", examples=[CSRF_EXAMPLE])
    expires_in: int = Field(description="Seconds until a refresh is needed.", examples=[600])

    @classmethod
    def of(cls, grant: Grant, *, csrf_token: str) -> Self:
        return cls(user=UserRead.of(grant.user), csrf_token=csrf_token, expires_in=grant.expires_in_seconds)


class ActorRead(Output):
    """Who calls: a person's session or an API key."""

    kind: Literal["user", "api_key"]
    id: UUID = Field(description="Of the user or of the key.")
    user_id: UUID = Field(description="The user, or the key's owner.")
    name: str = Field(examples=["Ada Lovelace"])
    email: str = Field(examples=["ada@example.com"])
    role: Role = Field(description="The role in force: a key never has more than its owner.")
    is_verified: bool
    session_id: UUID | None
    scopes: list[str] | None = Field(description="What a key is narrowed to; null: nothing.", examples=[["jobs:read"]])
    usage_count: int | None = Field(description="Calls of a key so far; null for sessions.")
    last_used_at: datetime | None
    csrf_token: str | None = Field(description="For browsers: see `POST /auth/login`.", examples=[CSRF_EXAMPLE])

    @classmethod
    def of(cls, actor: Actor, *, stats: UsageStats | None, csrf_token: str | None) -> Self:
        scopes = None if actor.scopes is None else sorted(actor.scopes)
        return cls(
            **{**vars(actor), "scopes": scopes},
            usage_count=stats.usage_count if stats else None,
            last_used_at=stats.last_used_at if stats else None,
            csrf_token=csrf_token,
        )


class Registration(Input):
    """An account for oneself; the role is not the client's to choose."""

    email: Email
    password: NewPassword
    name: Name
    username: Username | None = Field(None, description="Left out, with a note in the mail, when somebody has it.")
    country: Country | None = None
    institution: Institution | None = None


class AddressRequest(Input):
    email: Email


class MailAccepted(Output):
    """The same answer whether a mail goes out or not."""

    detail: str = Field(MAIL_ACCEPTED, examples=[MAIL_ACCEPTED])


class VerifyRequest(Input):
    token: MailedToken = Field(description="From the mail.")


class VerificationResult(Output):
    """The account whose address was proven."""

    email: str = Field(examples=["ada@example.com"])
    is_approved: bool = Field(description="False while an administrator has to let the account in.")

    @classmethod
    def of(cls, user: User) -> Self:
        return cls(email=user.email, is_approved=user.is_approved)


class PasswordResetConfirmation(Input):
    token: MailedToken = Field(description="From the mail.")
    new_password: NewPassword


class NewPasswordRequest(Input):
    new_password: NewPassword


class PasswordChange(Input):
    current_password: Password
    new_password: NewPassword


class Deletion(Input):
    current_password: Password


class ProfilePatch(Input):
    """The fields to change; absent ones stay."""

    name: Name = maybe()
    username: Username | None = None
    country: Country | None = None
    institution: Institution | None = None
    email: Email = maybe(description="Needs `current_password`, and counts once it is confirmed.")
    current_password: Password | None = None

    @model_validator(mode="after")
    def _check_password_given(self) -> Self:
        if "email" in self.model_fields_set and self.current_password is None:
            raise ValueError("a new e-mail address needs current_password")
        return self


class SessionRead(Output):
    """A session: one login on one device."""

    id: UUID
    created_at: datetime
    last_used_at: datetime = Field(description="When it was last refreshed.")
    expires_at: datetime = Field(description="When it ends at the latest.")
    device_info: str = Field(description="What the client called itself, and its address.", examples=["curl/8 (::1)"])
    is_current: bool = Field(description="Whether this call was made in it.")

    @classmethod
    def of(cls, opened: UserSession, *, current_id: UUID | None) -> Self:
        facts = opened.model_dump(include=set(cls.model_fields))
        return cls(**facts, is_current=opened.id == current_id)
