"""Accounts that people make for themselves, and the mails that prove an address."""

from fastapi import APIRouter, status

from stationmaster.domains.auth import mailed_tokens, recovery, registration
from stationmaster.domains.auth.desk import DeskDep
from stationmaster.domains.auth.errors import RegistrationOff
from stationmaster.domains.auth.models import Purpose
from stationmaster.domains.auth.schemas import (
    AddressRequest,
    MailAccepted,
    PasswordResetConfirmation,
    Registration,
    VerificationResult,
    VerifyRequest,
)
from stationmaster.domains.users import passwords
from stationmaster.domains.users.service import NewUser
from stationmaster.identity.actor import Role
from stationmaster.web.limits import LimitClass, limited_as
from stationmaster.web.openapi import problems
from stationmaster.web.operation import Operation
from stationmaster.web.session import SessionDep

router = APIRouter(prefix="/auth", tags=["auth"], route_class=Operation)


@router.post(
    "/register",
    summary="Register",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(403),
    openapi_extra=limited_as(LimitClass.REGISTRATION),
)
async def register(body: Registration, session: SessionDep, desk: DeskDep) -> MailAccepted:
    """Make an account for yourself; whether that is possible is a setting (403 when not).

    The answer is the same whether the address has an account or not: the mail that follows tells. Until its address is
    verified, an account can do nothing else; where approval is asked for, an administrator lets it in after that.
    """
    settings = desk.settings.registration
    if settings.mode == "off":
        raise RegistrationOff
    password_hash = await passwords.hash_new(
        body.password, context=[body.email, body.username, body.name], min_length=desk.min_length
    )
    facts = body.model_dump(exclude={"password"})
    new = NewUser(**facts, role=Role(settings.role), is_approved=settings.mode == "on")
    await registration.register(session, new, password_hash=password_hash, outbox=desk.outbox)
    return MailAccepted()


@router.post(
    "/verify-email",
    summary="Verify an e-mail address",
    openapi_extra=limited_as(LimitClass.REGISTRATION),
)
async def verify_email(body: VerifyRequest, session: SessionDep, desk: DeskDep) -> VerificationResult:
    """Prove an address with the token that was mailed to it: a new account's, or the new address of an account.

    Tokens work once, for 24 hours; unknown, used and expired ones have the same answer (400).
    """
    return VerificationResult.of(await registration.verify(session, body.token, outbox=desk.outbox))


@router.post(
    "/resend-verification",
    summary="Mail the verification again",
    status_code=status.HTTP_202_ACCEPTED,
    openapi_extra=limited_as(LimitClass.REGISTRATION),
)
async def resend_verification(body: AddressRequest, session: SessionDep) -> MailAccepted:
    """Mail a new link to an address that waits for verification, at most once a minute.

    The answer is the same for any other address.
    """
    await mailed_tokens.ask_for_mail(session, Purpose.VERIFY_EMAIL, body.email)
    return MailAccepted()


@router.post(
    "/password-reset",
    summary="Ask for a new password",
    status_code=status.HTTP_202_ACCEPTED,
    openapi_extra=limited_as(LimitClass.RECOVERY),
)
async def request_password_reset(body: AddressRequest, session: SessionDep) -> MailAccepted:
    """Mail a link for setting a new password, at most once a minute.

    The answer is the same for an address without an account.
    """
    await mailed_tokens.ask_for_mail(session, Purpose.RESET_PASSWORD, body.email)
    return MailAccepted()


@router.post(
    "/password-reset/confirm",
    summary="Set a new password",
    status_code=status.HTTP_204_NO_CONTENT,
    openapi_extra=limited_as(LimitClass.RECOVERY),
)
async def confirm_password_reset(body: PasswordResetConfirmation, session: SessionDep, desk: DeskDep) -> None:
    """Set a new password with the mailed token, which works once, for an hour. All sessions of the account end.

    Unknown, used and expired tokens have the same answer (400). A password that is refused (422) leaves the token usable.
    """
    password_hash = await recovery.hash_for_reset(
        desk.database, body.token, body.new_password, min_length=desk.min_length
    )
    await recovery.reset(session, body.token, password_hash, outbox=desk.outbox)
