"""Everything that can be refused, as one tree.

    StationmasterError
    ├── BadRequest            400  the request cannot be read
    ├── Unauthenticated       401  who are you?
    ├── Forbidden             403  you may not
    ├── NotFound              404  not there, or not visible to you
    ├── Conflict              409  the present state forbids it
    │   └── AlreadyExists     409  that name is taken
    ├── PreconditionFailed    412  you looked at an older version
    ├── TooLarge              413  the body is over the limit
    ├── UnsupportedMedia      415  that content type is not read here
    ├── Invalid               422  read, understood, and wrong; names the fields
    ├── TooManyRequests       429  later, please
    └── Unavailable           503  a part of the house is away; try again

`status`, `slug` and `title` are data of the class, so that this module needs to know nothing of HTTP. Rooms subclass the
nearest class; callers give facts, the class makes the sentence.
"""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class FieldError:
    """One wrong field of the input.

    Exactly one of `pointer` (JSON Pointer, RFC 6901, into the body) and `parameter` (query, path or header name) is set.
    """

    detail: str
    pointer: str | None = None
    parameter: str | None = None


class StationmasterError(Exception):
    """An answer that is not success, in words for people."""

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Internal error"

    def __init__(self, detail: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after_seconds = retry_after_seconds


class BadRequest(StationmasterError):
    status = 400
    slug = "bad-request"
    title = "The request cannot be read"


class Unauthenticated(StationmasterError):
    status = 401
    slug = "unauthenticated"
    title = "Authentication is needed"


class Forbidden(StationmasterError):
    status = 403
    slug = "forbidden"
    title = "You may not do this"


class NotFound(StationmasterError):
    """Something that is not there, or that the caller may not see: the two must look the same."""

    status = 404
    slug = "not-found"
    title = "Not found"

    def __init__(self, what: str, identifier: object) -> None:
        super().__init__(f"There is no {what} {str(identifier)[:100]!r} that you can see.")


class Conflict(StationmasterError):
    status = 409
    slug = "conflict"
    title = "The present state forbids this"


class AlreadyExists(Conflict):
    slug = "already-exists"
    title = "Already there"

    def __init__(self, what: str, field: str, value: str) -> None:
        super().__init__(f"Another {what} has the {field} {value[:100]!r}.")
        self.field = field


class PreconditionFailed(StationmasterError):
    status = 412
    slug = "precondition-failed"
    title = "It has changed since you read it"


class TooLarge(StationmasterError):
    status = 413
    slug = "too-large"
    title = "The request is too large"


class UnsupportedMedia(StationmasterError):
    status = 415
    slug = "unsupported-media-type"
    title = "That content type is not read here"


class Invalid(StationmasterError):
    """Input that was read and is wrong; says for each field what is wrong with it."""

    status = 422
    slug = "invalid"
    title = "The input is not valid"

    def __init__(self, *errors: FieldError) -> None:
        super().__init__(f"{len(errors)} field{'s are' if len(errors) > 1 else ' is'} not valid.")
        self.errors = errors


class TooManyRequests(StationmasterError):
    status = 429
    slug = "too-many-requests"
    title = "Too many requests"


class Unavailable(StationmasterError):
    """A part the service needs is away for now; the caller should try again."""

    status = 503
    slug = "unavailable"
    title = "Not available just now"

    def __init__(self, detail: str, *, retry_after_seconds: float = 2) -> None:
        super().__init__(detail, retry_after_seconds=retry_after_seconds)
