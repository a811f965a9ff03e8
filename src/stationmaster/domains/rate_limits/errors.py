"""What can be refused about how often somebody calls."""

from stationmaster.errors import NotFound, TooManyRequests


class TooManyCalls(TooManyRequests):
    """The caller's budget for this kind of operation is used up."""

    slug = "rate-limited"
    title = "Too many calls"

    def __init__(self, limit: object, retry_after_seconds: float) -> None:
        super().__init__(f"More than {limit}.", retry_after_seconds=retry_after_seconds)


class LimitNotFound(NotFound):
    def __init__(self, key: str) -> None:
        super().__init__("rate limit", key)
