"""`ETag`, `If-None-Match` and `If-Match` of single objects.

A tag is strong and has two parts, `"<version>.<representation>"`, both digests. The second covers the answer byte by byte:
`If-None-Match` compares whole tags, so a 304 never hides a change. The first leaves out what changes by itself
(`Output.volatile`: the next slot, the last execution, counters): `If-Match` compares only it, so somebody who edits a job
that runs each minute is stopped by another's edit and not by the job's runs.

An endpoint that changes an object honours `If-Match` by one line. `read` locks the object and shows it as its GET does:

    await if_match.check(lambda: ...)
"""

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Iterator
from functools import lru_cache
from typing import Annotated, Any, get_args

from fastapi import Depends, Header
from fastapi.dependencies.models import Dependant
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from stationmaster.errors import FieldError, Invalid, PreconditionFailed
from stationmaster.web.session import SessionDep

TAGGED = frozenset({("GET", 200), ("PATCH", 200), ("PUT", 200), ("POST", 201)})
DIGEST_BYTES = 12

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e]*)"')
_TAG_LIST = re.compile(rf"\s*{_TAG.pattern}\s*(,\s*{_TAG.pattern}\s*)*")


class IfMatch:
    """What the caller demands of the object that is about to be changed."""

    def __init__(
        self,
        session: SessionDep,
        if_match: Annotated[
            str | None,
            Header(max_length=1000, description="Change it only if it still is as this `ETag` says (412 otherwise)."),
        ] = None,
    ) -> None:
        self._session = session
        self._versions = None if if_match is None else _read_versions(if_match)

    async def check(self, read: Callable[[], Awaitable[BaseModel]]) -> None:
        """Compare the present version, if the caller named one; `read` locks the object and returns it as its GET does.

        What was read is forgotten again: whoever changes the object reads it anew, locked.

        Raises:
            PreconditionFailed: it has changed since.
        """
        if self._versions is None:
            return
        present = await read()
        self._session.expunge_all()
        version = _version_of(present.model_dump(mode="json", by_alias=True), type(present))
        if not self._versions & {"*", version}:
            raise PreconditionFailed("It has changed since you read it: read it again.")


IfMatchDep = Annotated[IfMatch, Depends()]


def refuse_unheard(request: Request, dependant: Dependant) -> None:
    """Refuse a demand that the operation would not look at.

    Raises:
        PreconditionFailed: there is a tag to match, and what the operation changes has none.
    """
    demand = request.headers.get("If-Match", "*")
    if demand.strip() != "*" and request.method not in {"GET", "HEAD"} and not asks_for_match(dependant):
        raise PreconditionFailed("What this operation changes has no ETag: send it without If-Match.")


def asks_for_match(dependant: Dependant) -> bool:
    """Say whether an operation honours `If-Match`."""
    return dependant.call is IfMatch or any(asks_for_match(inner) for inner in dependant.dependencies)


def is_object(model: object) -> bool:
    """Say whether answers of this model can carry a tag: single objects do, lists do not."""
    return isinstance(model, type) and issubclass(model, BaseModel) and not hasattr(model, "__params_type__")


def tag(request: Request, answer: Response, model: type[BaseModel]) -> Response:
    """Put the tag on the answer that shows an object; return 304 instead when the caller has it already."""
    if (request.method, answer.status_code) not in TAGGED:
        return answer
    body = bytes(answer.body)
    version, digest = _version_of(json.loads(body), model), _digest(body)
    answer.headers["ETag"] = f'"{version}.{digest}"'
    if request.method != "GET" or not _has(request, f"{version}.{digest}"):
        return answer
    return Response(status_code=304, headers={"ETag": answer.headers["ETag"]})


def _has(request: Request, opaque: str) -> bool:
    """Compare weakly, as RFC 9110, section 13.1.2 asks for; what cannot be read matches nothing."""
    text = ",".join(request.headers.getlist("If-None-Match"))
    return text.strip() == "*" or any(found[2] == opaque for found in _TAG.finditer(text))


def _read_versions(text: str) -> frozenset[str]:
    if text.strip() == "*":
        return frozenset({"*"})
    if not _TAG_LIST.fullmatch(text):
        raise Invalid(FieldError('Send tags as they came in ETag, with their quotes: "abc".', parameter="If-Match"))
    # Weak tags never match here (RFC 9110, section 13.1.1).
    return frozenset(found[2].partition(".")[0] for found in _TAG.finditer(text) if found[1] is None)


def _version_of(document: Any, model: type[BaseModel]) -> str:
    lasting = _without_volatile(document, model)
    return _digest(json.dumps(lasting, sort_keys=True, separators=(",", ":")).encode())


def _without_volatile(document: Any, model: type[BaseModel]) -> Any:
    if isinstance(document, list):
        return [_without_volatile(item, model) for item in document]
    if not isinstance(document, dict):
        return document
    volatile: frozenset[str] = getattr(model, "volatile", frozenset())
    inner = _inner_models(model)
    return {
        name: _without_volatile(value, inner[name]) if name in inner else value
        for name, value in document.items()
        if name not in volatile
    }


@lru_cache
def _inner_models(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """Return the fields that are models with fields of their own, also in lists."""
    found = {name: next(_models_in(field.annotation), None) for name, field in model.model_fields.items()}
    return {name: inner for name, inner in found.items() if inner is not None}


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=DIGEST_BYTES).hexdigest()
