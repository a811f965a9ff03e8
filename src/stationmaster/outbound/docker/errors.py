"""What can go wrong with the engine; texts are for people."""


class EngineError(Exception):
    """Any of the others."""


class EngineAway(EngineError):
    """The engine cannot be reached, or its answer broke off: what became of the call is unknown. Look again later."""


class EngineRefused(EngineError):
    """The engine said no; `status` is its answer's."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class NotThere(EngineRefused):
    """No such container, image or service."""


class Conflict(EngineRefused):
    """The name is taken, or the container is in a state that does not allow it."""
