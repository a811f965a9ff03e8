"""What is refused here."""

from stationmaster.errors import AlreadyExists, Conflict, FieldError, Forbidden, Invalid, NotFound, TooLarge


class ScriptNotFound(NotFound):
    """The same for what is not there and for what the caller may not see."""

    def __init__(self, id_or_slug: object) -> None:
        super().__init__("script", id_or_slug)


class VersionNotFound(NotFound):
    def __init__(self, number: int) -> None:
        super().__init__("version", number)


class SlugTaken(AlreadyExists):
    def __init__(self, slug: str) -> None:
        super().__init__("script", "slug", slug)


class OnlyOwner(Forbidden):
    def __init__(self) -> None:
        super().__init__("Only the owner of the script and admins may do this.")


class ArchiveTooLarge(TooLarge):
    def __init__(self, max_bytes: int) -> None:
        super().__init__(f"An archive has at most {max_bytes:,} bytes.")


class ArchiveRefused(Invalid):
    title = "The archive is not taken"

    def __init__(self, why: str) -> None:
        super().__init__(FieldError(f"The archive is not taken: {why}.", pointer="/file"))


class ManifestRefused(Invalid):
    """The manifest inside of an archive; pointers lead into it."""

    title = "The manifest is not right"


class NothingToDownload(Conflict):
    title = "There is nothing to download"

    def __init__(self) -> None:
        super().__init__("This version is an image; it has no archive.")


class NotReady(Conflict):
    """No version can be run."""

    title = "The script cannot be run yet"

    def __init__(self, slug: str, status: str) -> None:
        super().__init__(f"No version of the script {slug!r} can be run; the newest one is {status}.")


class VersionNotReady(Conflict):
    title = "This version cannot be run"

    def __init__(self, number: int, status: str) -> None:
        super().__init__(f"Version {number} is {status} and cannot be the current one.")


class ConfirmationNeeded(Invalid):
    title = "Confirm that you want this"

    def __init__(self, slug: str) -> None:
        super().__init__(FieldError(f"must be true: the script {slug!r} is destructive", pointer="/confirm"))
