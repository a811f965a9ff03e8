"""What is refused here."""

from uuid import UUID

from stationmaster.domains.runs.status import MOVES, RunStatus, StepStatus
from stationmaster.errors import Conflict, NotFound


class RunNotFound(NotFound):
    def __init__(self, id_: UUID | str) -> None:
        super().__init__("run", id_)


class StepRunNotFound(NotFound):
    def __init__(self, id_: UUID | str) -> None:
        super().__init__("step run", id_)


class NotDeleted(Conflict):
    title = "It is not deleted"

    def __init__(self) -> None:
        super().__init__("The run is not deleted, so there is nothing to restore.")


class IllegalMove(Conflict):
    title = "The step run cannot get this status now"

    def __init__(self, present: StepStatus, wanted: StepStatus) -> None:
        following = ", ".join(sorted(MOVES[present])) or "nothing; a rerun does it again"
        super().__init__(
            f"A step run that is {present.value} cannot become {wanted.value}. It may become: {following}."
        )


class NotCurrent(Conflict):
    title = "The step was run again"

    def __init__(self) -> None:
        super().__init__("A later step run has taken the place of this one: report that one.")


class RunIsCancelled(Conflict):
    title = "The run is cancelled"

    def __init__(self) -> None:
        super().__init__("The run is cancelled: take that back first (POST /runs/{id}/uncancel).")


class RunHasEnded(Conflict):
    title = "The run has ended"

    def __init__(self, status: RunStatus) -> None:
        super().__init__(f"The run has ended ({status.value}) and cannot be cancelled.")


class NotCancelled(Conflict):
    title = "The run is not cancelled"

    def __init__(self) -> None:
        super().__init__("Nobody has cancelled the run, so there is nothing to take back.")


class KeyTaken(Conflict):
    title = "The key is taken"

    def __init__(self) -> None:
        super().__init__("Another run of the process has the key of this one by now.")


class RunIsNeutralized(Conflict):
    title = "The run is neutralised"

    def __init__(self) -> None:
        super().__init__("Everything personal was taken out of the run for good: it takes no new facts.")


class RunIsHeld(Conflict):
    title = "The run is under legal hold"

    def __init__(self) -> None:
        super().__init__("The run must be kept as it is: release the hold first (POST /runs/{id}/release).")


class NotHeld(Conflict):
    title = "The run is not under legal hold"

    def __init__(self) -> None:
        super().__init__("The run is not under legal hold, so there is nothing to release.")


class RunIsAtWork(Conflict):
    title = "The run is being worked on"

    def __init__(self) -> None:
        super().__init__("An execution of the run is queued or running: cancel the run or wait for its end.")


class StepIsOurs(Conflict):
    title = "The step is not reported from outside"

    def __init__(self, why: str) -> None:
        super().__init__(f"The status of this step run is not reported: {why}.")


class NotRerunnable(Conflict):
    title = "The step run cannot be done again"

    def __init__(self, why: str) -> None:
        super().__init__(f"This step run cannot be done again: {why}.")


class NothingToDecide(Conflict):
    title = "There is nothing to decide"

    def __init__(self) -> None:
        super().__init__("The step run does not wait for anybody's decision.")
