"""From a kind of mail and its facts to subject, text and HTML.

Each kind has two templates, `<kind>.txt` (its first line is the subject) and `<kind>.html`. A missing fact is an error,
facts are escaped in HTML, and line breaks in facts do not get into the subject. Templates of mails to addresses that
nobody has proven yet show nothing that a stranger typed: they would carry anybody's message.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

MAX_SUBJECT = 200


@dataclass(frozen=True)
class Content:
    """What a mail says."""

    subject: str
    text: str
    html: str


def render(kind: str, facts: Mapping[str, object]) -> Content:
    """Fill the templates of a kind."""
    subject, _, text = _templates().get_template(f"{kind}.txt").render(facts).partition("\n")
    html = _templates().get_template(f"{kind}.html").render(facts)
    return Content(subject=" ".join(subject.split())[:MAX_SUBJECT], text=text.strip() + "\n", html=html)


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("stationmaster.domains.outbox"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
