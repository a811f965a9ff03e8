"""Reading a request that brings a version of a script: an archive as a form, or JSON without one.

The two are told apart by the content type, so no body is declared to FastAPI, and the documentation is written here.
"""

import asyncio
import json
from typing import Annotated, Any

from fastapi import Depends, Request
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile

from stationmaster.domains.scripts.errors import ArchiveTooLarge
from stationmaster.domains.scripts.schemas import ScriptIn
from stationmaster.domains.scripts.sources import Submission, read_archive, read_request
from stationmaster.errors import BadRequest, FieldError, Invalid, UnsupportedMedia
from stationmaster.identity.dependencies import RequireUser
from stationmaster.web import openapi
from stationmaster.web.application import SettingsDep
from stationmaster.web.body_limit import UPLOAD
from stationmaster.web.validation_errors import to_field_errors

_EXAMPLE = {
    "name": "Say hello",
    "source": "import json, os\nprint('Hello', json.loads(os.environ['PARAMS'])['name'])\n",
    "parameters": {"properties": {"name": {"type": "string", "default": "world"}}},
}
BODY: dict[str, Any] = {
    **UPLOAD,
    "requestBody": {
        "required": True,
        "description": "An archive (`.tar.gz` or `.zip` with `stationmaster.yaml` at its top) as form data, or JSON with an "
        "`image` or a `source`.",
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "additionalProperties": False,
                    "properties": {"file": {"type": "string", "contentMediaType": "application/octet-stream"}},
                },
                "example": {"file": "(the archive)"},
            },
            "application/json": {"schema": openapi.body_of(ScriptIn), "example": _EXAMPLE},
        },
    },
}
"""The `openapi_extra` of operations that take a version."""


async def read_submission(request: Request, settings: SettingsDep, _actor: RequireUser) -> Submission:
    """Read and check what was sent; the caller is known before anything is unpacked.

    Raises:
        UnsupportedMedia, BadRequest, Invalid, ArchiveTooLarge
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "multipart/form-data":
        async with request.form(max_files=1, max_fields=1) as form:
            data = await _read_file(form, settings.scripts.max_archive_bytes)
        return await asyncio.to_thread(read_archive, data)
    if media_type == "application/json":
        return read_request(await _read_json(request))
    raise UnsupportedMedia("Send an archive as multipart/form-data, or application/json.")


SubmissionDep = Annotated[Submission, Depends(read_submission)]


async def _read_file(form: FormData, max_bytes: int) -> bytes:
    unknown = [FieldError("There is no such field.", pointer=f"/{name[:100]}") for name in form if name != "file"]
    file = form.get("file")
    if unknown or not isinstance(file, UploadFile):
        raise Invalid(*unknown, *([] if unknown else [FieldError("Send the archive as a file.", pointer="/file")]))
    data = await file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise ArchiveTooLarge(max_bytes)
    return data


async def _read_json(request: Request) -> ScriptIn:
    try:
        given = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise BadRequest("The body is no JSON.") from error
    try:
        return ScriptIn.model_validate(given)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        errors = to_field_errors([{**one, "loc": ("body", *one["loc"])} for one in found], given)
        raise Invalid(*errors) from error
