"""What can be refused about proofs of identity."""

from stationmaster.errors import BadRequest, Forbidden, TooManyRequests, Unauthenticated


class WrongCredentials(Unauthenticated):
    """The same answer for an unknown account and a wrong password."""

    def __init__(self) -> None:
        super().__init__("The account or the password is wrong.")


class TooManyFailures(TooManyRequests):
    """Logins to this account are refused for a while, right or wrong."""

    def __init__(self, retry_after_seconds: float) -> None:
        super().__init__("Too many failed logins; try again later.", retry_after_seconds=retry_after_seconds)


class AccountInactive(Forbidden):
    """Said only to somebody who knows the password."""

    def __init__(self) -> None:
        super().__init__("This account is inactive; ask an administrator.")


class AccountNotApproved(Forbidden):
    """Said only to somebody who knows the password."""

    def __init__(self) -> None:
        super().__init__("This account is inactive until an administrator approves it.")


class InvalidAccessToken(Unauthenticated):
    def __init__(self) -> None:
        super().__init__("The access token is not valid, or not any more.")


class InvalidRefreshToken(Unauthenticated):
    def __init__(self) -> None:
        super().__init__("The refresh token is not valid, or not any more; log in again.")


class WrongPassword(Forbidden):
    def __init__(self) -> None:
        super().__init__("The current password is wrong.")


class RegistrationOff(Forbidden):
    def __init__(self) -> None:
        super().__init__("People do not make accounts for themselves here; ask an administrator for one.")


class InvalidMailedToken(BadRequest):
    """The same answer for an unknown, a used and an expired token."""

    def __init__(self) -> None:
        super().__init__("The token is not valid, or not any more; ask for another mail.")


class CsrfProofMissing(Forbidden):
    slug = "csrf-proof-missing"
    title = "This may not come from our page"

    def __init__(self) -> None:
        super().__init__("With a cookie, send the csrf_token of the login as X-CSRF-Token.")


class ForeignOrigin(Forbidden):
    slug = "foreign-origin"
    title = "This comes from another site"

    def __init__(self) -> None:
        super().__init__("The Origin of this call is not one of ours.")


class OnlyForApiKeys(Forbidden):
    def __init__(self) -> None:
        super().__init__("This tells about API keys: call it with one.")
