"""Whether a script target can be carried out for somebody: asked when it is defined, and again when an attempt begins."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.executions import artifacts, repository
from stationmaster.domains.executions.artifact_models import Artifact
from stationmaster.domains.executions.errors import ArtifactNotFound
from stationmaster.domains.executions.sight import read_sight
from stationmaster.domains.executions.targets.base import TargetFields
from stationmaster.domains.executions.targets.script import ScriptTarget
from stationmaster.domains.scripts import service as scripts
from stationmaster.domains.scripts import usage
from stationmaster.domains.scripts.errors import NotReady, OnlyOwner, ScriptNotFound
from stationmaster.domains.scripts.models import Script
from stationmaster.domains.scripts.usage import Use
from stationmaster.domains.secrets.errors import SecretsNotOpened
from stationmaster.domains.users import service as users
from stationmaster.errors import FieldError, Forbidden, Invalid
from stationmaster.identity.actor import Actor

NO_ARTIFACT = "There is no such file of an execution that you can see."


class NobodyRuns(Forbidden):
    """Whose rights would count is gone."""

    def __init__(self) -> None:
        super().__init__(
            "Nobody owns this work any more, or its owner's account is not active; so no script is run for it."
        )


async def find_runner(session: AsyncSession, owner_id: UUID | None) -> Actor:
    """Return the owner of work as the caller whose rights count.

    Raises:
        NobodyRuns: there is none, or the account is not active.
    """
    user = await users.find_user(session, owner_id) if owner_id else None
    if user is None or not user.is_active:
        raise NobodyRuns
    return Actor("user", user.id, user.id, user.name, user.email, user.role)


async def find_use(
    session: AsyncSession, id_or_slug: str, given: Mapping[str, Any], runner: Actor, *, pointer: str = "/params"
) -> tuple[Use, dict[str, Artifact]]:
    """Return the use that somebody may make of a script, and the files of executions that its values name, by place.

    Raises:
        ScriptNotFound, OnlyOwner, NotReady, Invalid, SecretsNotGranted: see `usage.find_use`.
    """
    use = await usage.find_use(session, id_or_slug, given, runner, pointer=pointer)
    found: dict[str, Artifact] = {}
    wrong: list[FieldError] = []
    for place, allowed, value in usage.file_values(use.manifest.parameters, use.values):
        if isinstance(value, str):
            continue
        artifact = await _find_artifact(session, value, runner)
        reason = usage.refuse_content(artifact.name, artifact.size_bytes, allowed) if artifact else NO_ARTIFACT
        if reason is not None:
            wrong.append(FieldError(reason, pointer=f"{pointer}{place}"))
        elif artifact is not None:
            found[place] = artifact
    if wrong:
        raise Invalid(*wrong)
    return use, found


async def check_script(
    session: AsyncSession,
    target: TargetFields,
    *,
    owner_id: UUID | None,
    pointer: str = "/target",
    later: Collection[str] = (),
) -> Script | None:
    """Refuse a script target that its owner may not run, or not with these parameters; return the script that it names.

    Other targets pass, and name none. `pointer` is where the target was given. Parameters named in `later` are filled in
    when the work is begun.

    Raises:
        Invalid: names what is wrong.
    """
    if not isinstance(target, ScriptTarget):
        return None
    try:
        runner = await find_runner(session, owner_id)
        use, _ = await find_use(session, target.script, target.params, runner, pointer=f"{pointer}/params")
    except (ScriptNotFound, OnlyOwner, NotReady, NobodyRuns, SecretsNotOpened) as error:
        raise Invalid(FieldError(error.detail, pointer=f"{pointer}/script")) from error
    except Invalid as error:
        filled_in = {f"{pointer}/params/{name}" for name in later}
        errors = [each for each in error.errors if each.pointer not in filled_in]
        if errors:
            raise Invalid(*errors) from error
        return await find_script(session, target, owner_id)
    return use.script


async def find_script(session: AsyncSession, target: TargetFields, owner_id: UUID | None) -> Script | None:
    """Return the script that a target names, if there is one that the owner of the work may see."""
    if not isinstance(target, ScriptTarget):
        return None
    try:
        return await scripts.get_script(session, target.script, await find_runner(session, owner_id))
    except (ScriptNotFound, NobodyRuns):
        return None


async def _find_artifact(session: AsyncSession, value: Mapping[str, Any], runner: Actor) -> Artifact | None:
    execution = await repository.find_execution(session, UUID(value["execution_id"]))
    if execution is None or not (await read_sight(session, [execution], runner)).may_look_inside(execution):
        return None
    try:
        return await artifacts.get_artifact(session, execution.id, value["artifact"])
    except ArtifactNotFound:
        return None
