"""What the rooms above need of scripts: whether somebody may run one with certain values, and all that a run takes.

The same check is made when a script is run, when a job or a step with it is saved, and when an attempt begins: what was
right once may not be any more.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.files import service as files
from stationmaster.domains.files.models import File
from stationmaster.domains.scripts import repository, service
from stationmaster.domains.scripts.access import Action
from stationmaster.domains.scripts.errors import NotReady
from stationmaster.domains.scripts.manifest import Manifest
from stationmaster.domains.scripts.models import Script, Version
from stationmaster.domains.scripts.parameters.binding import check_options
from stationmaster.domains.scripts.parameters.checking import check_params
from stationmaster.domains.scripts.parameters.schema import Parameters, Property
from stationmaster.domains.secrets import service as secrets
from stationmaster.domains.secrets.errors import SecretsNotGranted
from stationmaster.errors import FieldError, Invalid
from stationmaster.identity.actor import Actor
from stationmaster.kit.sealing import Sealer


@dataclass(frozen=True)
class Use:
    """A script that somebody may run with these values; defaults are laid in, `files` are the uploads that they name.

    What they say of files that executions made is checked in the room of executions.
    """

    script: Script
    version: Version
    manifest: Manifest
    values: Mapping[str, Any]
    files: Mapping[UUID, File]


@dataclass(frozen=True)
class OpenedSecrets:
    """The values of secrets: of those that the script itself asks for, by variable; of those given to it, by parameter; and
    the login by which its image is fetched.
    """

    declared: Mapping[str, str]
    given: Mapping[str, str]
    login: str | None = None

    @property
    def all(self) -> list[str]:
        """All values, which nobody may read."""
        return [*self.declared.values(), *self.given.values(), *([self.login] if self.login else [])]


async def find_use(
    session: AsyncSession, id_or_slug: str, given: Mapping[str, Any], actor: Actor, *, pointer: str = "/params"
) -> Use:
    """Return the use that somebody may make of a script; `pointer` is where the values were given.

    Raises:
        ScriptNotFound: there is none that they may see.
        OnlyOwner: they may see it and not run it.
        NotReady: no version of it can be run.
        Invalid: names each value that is not right.
        SecretsNotGranted: the script asks for secrets that it was not granted.
    """
    script, version = await _find_current(session, id_or_slug, actor)
    manifest = Manifest.model_validate(version.manifest)
    values = check_params(manifest.parameters, given, pointer=pointer)
    check_options(manifest.parameters, values, pointer=pointer)
    found = await _find_files(session, manifest.parameters, values, actor, pointer)
    await _check_secrets(session, script, manifest, values, actor, pointer=pointer)
    return Use(script, version, manifest, values, found)


async def find_parameters(session: AsyncSession, id_or_slug: str, actor: Actor) -> Parameters:
    """Return what values the current version of a script takes.

    Raises:
        ScriptNotFound, OnlyOwner, NotReady
    """
    _, version = await _find_current(session, id_or_slug, actor)
    return Manifest.model_validate(version.manifest).parameters


async def open_secrets(session: AsyncSession, sealer: Sealer, use: Use, actor: Actor) -> OpenedSecrets:
    """Open what the script asks for, as far as it was granted it, and what its runner gives it.

    Raises:
        SecretsNotGranted, SecretsUnreadable
    """
    script_id = use.script.id
    manifest = use.manifest
    granted = await secrets.open_granted(
        session, sealer, set(manifest.granted_secrets), owner_id=None, script_id=script_id
    )
    named = _secret_names(use.manifest.parameters, use.values)
    opened = await secrets.open_granted(
        session, sealer, set(named.values()), owner_id=actor.user_id, script_id=script_id
    )
    return OpenedSecrets(
        declared={name: granted[name] for name in manifest.secrets},
        given={parameter: opened[name] for parameter, name in named.items()},
        login=granted[manifest.credential] if manifest.credential else None,
    )


def file_values(parameters: Parameters, values: Mapping[str, Any]) -> Iterator[tuple[str, Property, Any]]:
    """Yield each value that stands for a file: where, as a pointer into the values; what it may be; the value."""
    for name, found in parameters.properties.items():
        if found.format == "file" and name in values:
            yield f"/{name}", found, values[name]
        elif found.items is not None and found.items.format == "file":
            for index, value in enumerate(values.get(name, ())):
                yield f"/{name}/{index}", found.items, value


def refuse_content(name: str, size_bytes: int, allowed: Property) -> str | None:
    """Say why a parameter does not take a content of this name and size; None when it does."""
    if allowed.extensions and files.suffix_of(name) not in allowed.extensions:
        return f"The file must be named {' or '.join(f'*{each}' for each in allowed.extensions)}."
    if allowed.maxBytes is not None and size_bytes > allowed.maxBytes:
        return f"The file has more than {allowed.maxBytes:,} bytes."
    return None


async def _find_current(session: AsyncSession, id_or_slug: str, actor: Actor) -> tuple[Script, Version]:
    script = await service.get_script(session, id_or_slug, actor, Action.RUN)
    if script.current_version is None:
        raise NotReady(script.slug, script.status.value)
    version = await repository.find_version(session, script.id, script.current_version)
    assert version is not None, "versions are deleted with their script only"
    return script, version


async def _find_files(
    session: AsyncSession, parameters: Parameters, values: Mapping[str, Any], actor: Actor, pointer: str
) -> dict[UUID, File]:
    every = file_values(parameters, values)
    named = [(place, allowed, UUID(value)) for place, allowed, value in every if isinstance(value, str)]
    found = await files.find_files(session, {id_ for _, _, id_ in named})
    wrong = [
        FieldError(reason, pointer=f"{pointer}{place}")
        for place, allowed, id_ in named
        if (reason := _refuse_file(found.get(id_), allowed, actor))
    ]
    if wrong:
        raise Invalid(*wrong)
    return found


def _refuse_file(file: File | None, allowed: Property, actor: Actor) -> str | None:
    if file is None or not actor.may_change(file.owner_id):
        return "There is no file with this id that you can see."
    return refuse_content(file.name, file.size_bytes, allowed)


async def _check_secrets(
    session: AsyncSession,
    script: Script,
    manifest: Manifest,
    values: Mapping[str, Any],
    actor: Actor,
    *,
    pointer: str,
) -> None:
    asked = set(manifest.granted_secrets)
    granted = await secrets.find_usable(session, asked, owner_id=None, script_id=script.id)
    if missing := asked - granted:
        raise SecretsNotGranted(missing)
    named = _secret_names(manifest.parameters, values)
    usable = await secrets.find_usable(session, set(named.values()), owner_id=actor.user_id, script_id=script.id)
    wrong = [
        FieldError("There is no secret of this name that you can use here.", pointer=f"{pointer}/{parameter}")
        for parameter, name in named.items()
        if name not in usable
    ]
    if wrong:
        raise Invalid(*wrong)


def _secret_names(parameters: Parameters, values: Mapping[str, Any]) -> dict[str, str]:
    return {name: values[name] for name in parameters.secret_names() if name in values}
