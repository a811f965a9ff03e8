"""What mails say."""

from pathlib import Path

import pytest
from jinja2 import UndefinedError

from stationmaster.domains import outbox
from stationmaster.domains.outbox.rendering import render

FACTS = {
    "public_url": "https://station.example",
    "url": "https://station.example/verify-email#token=smm_1&x",
    "hours": 24,
    "is_username_taken": False,
    "at": "2026-11-21 08:30 UTC",
    "new_email": "new@example.com",
    "applicant_email": "grace@example.com",
    "old_role": "user",
    "new_role": "admin",
    "key_name": "<b>nightly</b>",
    "key_prefix": "sm_Ab3dE6gH",
    "role": "user",
    "sender": "Grace",
    "days": "on 2026-11-21",
    "rate": "97.0 %",
    "jobs": [{"name": "<b>nightly</b>", "succeeded": 32, "failed": 1, "other": 2}],
    "left_out": 3,
    "unread": 4,
    "title": "nightly failed",
    "text": "It failed: exit code 2.",
}
TEMPLATES = Path(outbox.__file__).parent / "templates"
KINDS = sorted(file.stem for file in TEMPLATES.glob("*.txt") if file.stem != "footer")


def test_every_kind_has_both_forms() -> None:
    assert KINDS
    assert [kind for kind in KINDS if not (TEMPLATES / f"{kind}.html").exists()] == []


@pytest.mark.parametrize("kind", KINDS)
def test_renders(kind: str) -> None:
    content = render(kind, FACTS)

    assert content.subject
    assert "\n" not in content.subject
    assert content.text.startswith("Hello,\n")
    assert content.html.startswith("<!doctype html>")
    for form in (content.text, content.html):
        assert "https://station.example" in form
        assert "{{" not in form
        assert "{%" not in form


def test_facts_are_escaped_in_html_alone() -> None:
    content = render("api_key_created", FACTS)

    assert "<b>nightly</b>" in content.text
    assert "&lt;b&gt;nightly&lt;/b&gt;" in content.html
    assert "<b>nightly" not in content.html


def test_links_are_whole_in_both_forms() -> None:
    content = render("verify_email", FACTS)

    assert "    https://station.example/verify-email#token=smm_1&x\n" in content.text
    assert 'href="https://station.example/verify-email#token=smm_1&amp;x"' in content.html


def test_a_missing_fact_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        render("verify_email", {})


@pytest.mark.parametrize("kind", ["verify_email", "account_exists", "change_email"])
def test_mails_to_unproven_addresses_take_no_text_of_strangers(kind: str) -> None:
    text = (TEMPLATES / f"{kind}.txt").read_text() + (TEMPLATES / f"{kind}.html").read_text()

    assert "name }}" not in text
    assert "email }}" not in text
