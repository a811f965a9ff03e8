"""What is refused here."""

from uuid import UUID

from stationmaster.domains.executions.states import State
from stationmaster.errors import Conflict, NotFound, TooLarge


class ExecutionNotFound(NotFound):
    def __init__(self, id_: UUID) -> None:
        super().__init__("execution", id_)


class AlreadyEnded(Conflict):
    title = "The execution has ended"

    def __init__(self, id_: UUID, state: State) -> None:
        super().__init__(f"The execution {id_} has ended ({state.value}) and cannot be cancelled.")


class NotEnded(Conflict):
    title = "The execution has not ended"

    def __init__(self, id_: UUID, state: State) -> None:
        super().__init__(f"The execution {id_} is {state.value}; only one that has ended can be retried.")


class NothingToRetry(Conflict):
    title = "There is nothing to retry"

    def __init__(self, id_: UUID) -> None:
        super().__init__(f"What the execution {id_} was to do is not kept any more.")


class NetworkNotGranted(Conflict):
    title = "The network is not granted here"

    def __init__(self, script: str, setting: str) -> None:
        super().__init__(f"The script {script!r} wants the network, and {setting} does not grant it.")


class NotRunning(Conflict):
    title = "The execution is not running"

    def __init__(self, id_: UUID) -> None:
        super().__init__(f"The execution {id_} is not running (any more): nothing can be reported on it.")


class ArtifactNotFound(NotFound):
    def __init__(self, name: str) -> None:
        super().__init__("artifact", name)


class ArtifactTooLarge(TooLarge):
    def __init__(self, max_bytes: int) -> None:
        super().__init__(f"An artifact has at most {max_bytes:,} bytes.")


class TooManyArtifacts(Conflict):
    title = "The execution keeps no more artifacts"

    def __init__(self, max_count: int, max_total_bytes: int) -> None:
        super().__init__(f"An execution keeps at most {max_count} artifacts of {max_total_bytes:,} bytes together.")
