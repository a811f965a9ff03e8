"""The ways in which a version of a script is handed in, all made into one thing: a manifest, with an archive or an image."""

import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from pydantic import ValidationError

from stationmaster.domains.scripts.archives.names import Refused
from stationmaster.domains.scripts.archives.reading import read_all
from stationmaster.domains.scripts.errors import ArchiveRefused, ManifestRefused
from stationmaster.domains.scripts.manifest import Manifest, OlderManifest
from stationmaster.domains.scripts.models import Origin
from stationmaster.domains.scripts.schemas import ScriptIn, manifest_facts
from stationmaster.errors import FieldError, Invalid
from stationmaster.web.json_values import check_json
from stationmaster.web.validation_errors import to_field_errors

MANIFESTS = ("stationmaster.yaml", "stationmaster.yml")
OLDER_MANIFEST = "configuration.json"
LARGEST_MANIFEST = 256_000

Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Submission:
    """A version about to be stored; `notes` go into its log."""

    manifest: Manifest
    origin: Origin
    archive: bytes | None = None
    image: str | None = None
    notes: tuple[str, ...] = ()


def read_archive(data: bytes) -> Submission:
    """Read an uploaded archive; takes time, so it is called in a thread.

    Raises:
        ArchiveRefused: it is broken or hostile, or has no manifest.
        ManifestRefused: the manifest is not right.
    """
    try:
        files = read_all(data)
    except Refused as error:
        raise ArchiveRefused(str(error)) from error
    manifest, name = _read_manifest(files)
    _check_entrypoint(manifest, files)
    unpacked = sum(len(content) for content in files.values())
    notes = (f"Archive of {len(data):,} bytes: {len(files)} files, {unpacked:,} bytes.", f"Manifest: {name}.")
    return Submission(manifest, Origin.ARCHIVE, archive=data, notes=notes)


def read_request(wanted: ScriptIn) -> Submission:
    """Take a script that came without an archive.

    Raises:
        Invalid: the entry point is not the name of the file that the source becomes.
    """
    manifest = Manifest.model_validate(
        wanted.model_dump(mode="json", by_alias=True, exclude_unset=True, include=set(Manifest.model_fields))
        | {"runtime": wanted.runtime, "entrypoint": wanted.entrypoint}
    )
    if wanted.image is not None:
        return Submission(manifest, Origin.IMAGE, image=wanted.image, notes=(f"Image: {wanted.image}.",))
    assert wanted.source is not None, "the schema asks for one of the two"
    if len(manifest.entrypoint) != 1 or "/" in manifest.entrypoint[0]:
        raise Invalid(
            FieldError("For a source, name the file that it becomes, such as main.py.", pointer="/entrypoint")
        )
    archive = pack({manifest.entrypoint[0]: wanted.source.encode(), MANIFESTS[0]: _write_manifest(manifest)})
    try:
        read_all(archive)
    except Refused as error:
        raise Invalid(FieldError(f"{error}.", pointer="/entrypoint")) from error
    return Submission(
        manifest, Origin.INLINE, archive=archive, notes=(f"Source of {len(wanted.source):,} characters.",)
    )


def pack(files: Files) -> bytes:
    """Make a tar.gz of files; the same files make the same bytes, but for the time in the gzip header."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in sorted(files.items()):
            header = tarfile.TarInfo(name)
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
    return packed.getvalue()


def _read_manifest(files: Files) -> tuple[Manifest, str]:
    for name in MANIFESTS:
        if name in files:
            return _validate(_parse_yaml(files[name], name)), name
    if OLDER_MANIFEST in files:
        return _read_older(files[OLDER_MANIFEST]), OLDER_MANIFEST
    inner = next((name for name in files if name.rpartition("/")[2] in {*MANIFESTS, OLDER_MANIFEST}), None)
    hint = f"; there is one at {inner}: pack what is in that folder, not the folder" if inner else ""
    raise ArchiveRefused(f"it has no {MANIFESTS[0]} at its top{hint}")


def _read_older(content: bytes) -> Manifest:
    try:
        given = json.loads(content.decode())
        older = OlderManifest.model_validate(given)
    except ValidationError as error:
        raise _refuse(error, given) from error
    except (ValueError, RecursionError) as error:
        raise ManifestRefused(FieldError(f"{OLDER_MANIFEST} is no JSON object.", pointer="")) from error
    return _validate(older.upgrade())


def _parse_yaml(content: bytes, name: str) -> Any:
    if len(content) > LARGEST_MANIFEST:
        raise ManifestRefused(FieldError(f"{name} has more than {LARGEST_MANIFEST:,} bytes.", pointer=""))
    try:
        text = content.decode()
        # References make a small text stand for an endless one.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.CSafeLoader)):
            raise ManifestRefused(FieldError(f"{name} has references (`*name`), which are not read.", pointer=""))
        return check_json(_as_json(yaml.load(text, Loader=yaml.CSafeLoader)))  # it is a safe loader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        place = getattr(error, "problem_mark", None)
        where = f" (line {place.line + 1})" if place else ""
        raise ManifestRefused(FieldError(f"{name} cannot be read as YAML{where}.", pointer="")) from error


def _as_json(value: Any) -> Any:
    """Write dates as text again: YAML takes `2026-01-01` for one, and no field of a manifest is."""
    match value:
        case dict():
            return {str(key): _as_json(item) for key, item in value.items()}
        case list():
            return [_as_json(item) for item in value]
        case str() | int() | float() | None:
            return value
    return str(value)


def _validate(given: Any) -> Manifest:
    try:
        return Manifest.model_validate(given)
    except ValidationError as error:
        raise _refuse(error, given) from error


def _refuse(error: ValidationError, given: Any) -> ManifestRefused:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return ManifestRefused(*to_field_errors([{**one, "loc": ("body", *one["loc"])} for one in found], given))


def _check_entrypoint(manifest: Manifest, files: Files) -> None:
    if manifest.runtime == "sandbox" and len(manifest.entrypoint) == 1 and manifest.entrypoint[0] not in files:
        raise ManifestRefused(
            FieldError(f"There is no file {manifest.entrypoint[0][:100]} in the archive.", pointer="/entrypoint")
        )
    if not manifest.entrypoint:
        raise ManifestRefused(FieldError("Say which file is started.", pointer="/entrypoint"))


def _write_manifest(manifest: Manifest) -> bytes:
    text: str = yaml.safe_dump(manifest_facts(manifest), allow_unicode=True, sort_keys=False)
    return text.encode()
