"""Documents: written from what is there, read from text."""

import json
from collections.abc import Sequence
from typing import Any

import yaml
from sqlalchemy.ext.asyncio import AsyncSession

from stationmaster.domains.jobs.transfer.section import Item, Section
from stationmaster.errors import FieldError, Invalid
from stationmaster.identity.actor import Actor
from stationmaster.web.json_values import check_json

VERSION = 1
MOST_ITEMS = 10_000

Document = dict[str, Any]


async def write_document(session: AsyncSession, sections: Sequence[Section], actor: Actor) -> Document:
    """Return everything that is there, in a fixed order."""
    document: Document = {"version": VERSION}
    for section in sections:
        items = await section.read(session, actor)
        document[section.key] = [items[name] for name in sorted(items)]
    return document


def dump_yaml(document: Document) -> str:
    """Write a document as YAML, always the same for the same document."""
    text: str = yaml.dump(document, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)
    return text


def dump_json(document: Document) -> str:
    """Write a document as JSON, always the same for the same document."""
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


class _Plain(yaml.SafeDumper):
    """Writes without aliases, which few people read, and longer texts as blocks."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _write_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Plain.add_representer(str, _write_text)


class _Texts(yaml.SafeLoader):
    """Reads dates as the texts that they are in JSON, and refuses aliases: a few of them can stand for terabytes."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not read here")
        return super().compose_node(parent, index)


_Texts.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load_yaml(text: str) -> list[Any]:
    """Return the documents of a YAML (or JSON) text as JSON values.

    Raises:
        ValueError: it is not YAML, or has what JSON does not have.
    """
    try:
        found = list(yaml.load_all(text, Loader=_Texts))
        return [check_json(json.loads(json.dumps(one, allow_nan=False))) for one in found]
    except (yaml.YAMLError, TypeError, RecursionError) as error:
        raise ValueError(f"is not YAML that can be read: {' '.join(str(error).split())[:300]}") from error


def read_document(document: Document | None, text: str | None) -> Document:
    """Return a document that a caller gave in one of two ways.

    Raises:
        Invalid: it is none.
    """
    if document is None:
        assert text is not None
        document = _read_text(text)
    if document.get("version") != VERSION:
        pointer = "/text" if text is not None else "/document/version"
        raise Invalid(FieldError(f"a document says version: {VERSION}", pointer=pointer))
    return document


def _read_text(text: str) -> Document:
    try:
        found = load_yaml(text)
    except ValueError as error:
        raise Invalid(FieldError(str(error), pointer="/text")) from error
    if len(found) != 1 or not isinstance(found[0], dict):
        raise Invalid(FieldError("is not one document", pointer="/text"))
    return dict(found[0])


def list_items(document: Document, sections: Sequence[Section]) -> list[tuple[Section, list[Item]]]:
    """Return the items of each section that a document has.

    Raises:
        Invalid: it has a part that is no section, or no list.
    """
    known = {section.key for section in sections}
    unknown = sorted(set(document) - known - {"version"})
    if unknown:
        raise Invalid(*(FieldError(f"there is no section {name[:60]!r}", pointer="/document") for name in unknown))
    found = []
    for section in sections:
        items = document.get(section.key, [])
        if not isinstance(items, list) or len(items) > MOST_ITEMS:
            raise Invalid(FieldError(f"{section.key} is a list of at most {MOST_ITEMS}", pointer="/document"))
        found.append((section, items))
    return found
