"""What is refused here."""

from uuid import UUID

from stationmaster.errors import AlreadyExists, Conflict, NotFound


class CategoryNotFound(NotFound):
    def __init__(self, id_: UUID) -> None:
        super().__init__("job category", id_)


class TeamNotFound(NotFound):
    def __init__(self, id_: UUID) -> None:
        super().__init__("team", id_)


class CategoryNameTaken(AlreadyExists):
    def __init__(self, slug: str) -> None:
        super().__init__("job category", "slug", slug)


class TeamNameTaken(AlreadyExists):
    def __init__(self, slug: str) -> None:
        super().__init__("team", "slug", slug)


class GeneralStays(Conflict):
    title = "The default category stays as it is"

    def __init__(self) -> None:
        super().__init__("Jobs that name no category belong to 'general': it is neither renamed nor switched off.")
