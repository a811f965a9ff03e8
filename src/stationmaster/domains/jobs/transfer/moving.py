"""Turning what other schedulers have into a document."""

from typing import assert_never

from stationmaster.domains.jobs.transfer.document import VERSION
from stationmaster.domains.jobs.transfer.movers.crontab import move_crontab
from stationmaster.domains.jobs.transfer.movers.curl import move_curl
from stationmaster.domains.jobs.transfer.movers.github import move_workflow
from stationmaster.domains.jobs.transfer.movers.kubernetes import move_cron_jobs
from stationmaster.domains.jobs.transfer.movers.moved import CannotMove, Moved
from stationmaster.domains.jobs.transfer.schemas import ConvertIn, ConvertOut
from stationmaster.errors import FieldError, Invalid


def convert(wanted: ConvertIn) -> ConvertOut:
    """Return the same as a document that can be imported.

    Raises:
        Invalid: the text is not what it should be.
    """
    try:
        moved = _move(wanted)
    except CannotMove as error:
        raise Invalid(FieldError(str(error), pointer="/text")) from error
    except (TypeError, AttributeError, ValueError) as error:
        raise Invalid(FieldError("the text has values of a kind that do not belong there", pointer="/text")) from error
    return ConvertOut(document={"version": VERSION, "jobs": moved.jobs}, notes=moved.notes)


def _move(wanted: ConvertIn) -> Moved:
    match wanted.format:
        case "crontab":
            return move_crontab(wanted.text, timezone=wanted.timezone)
        case "github":
            return move_workflow(
                wanted.text, repository=wanted.repository, file_name=wanted.file_name, name=wanted.name
            )
        case "kubernetes":
            return move_cron_jobs(wanted.text)
        case "curl":
            return move_curl(wanted.text, name=wanted.name)
    assert_never(wanted.format)
