"""The reference pages say what the code says; `make docs` writes them."""

import re

import pytest

from docs.generate import PAGES, ROOT, groups


@pytest.mark.parametrize("path", PAGES)
def test_a_page_made_from_the_code_is_up_to_date(path: str) -> None:
    assert PAGES[path]() == (ROOT / path).read_text(), "run `make docs`"


def test_every_setting_is_explained() -> None:
    assert [setting.name for group in groups() for setting in group.settings if not setting.field.description] == []


def test_the_readme_and_the_guides_name_no_setting_that_is_not_there() -> None:
    # What programs that we run, and our client, find in their environment.
    of_scripts = {"STATIONMASTER_URL", "STATIONMASTER_TOKEN", "STATIONMASTER_API_KEY"}
    known = {setting.name for group in groups() for setting in group.settings} | of_scripts
    files = [ROOT / "README.md", ROOT / "compose.yaml", ROOT / "Dockerfile", *(ROOT / "docs").rglob("*.md")]
    named = {name for file in files for name in re.findall(r"\bSTATIONMASTER_[A-Z_]+[A-Z]\b", file.read_text())}

    assert {name for name in named - known if not name.startswith("STATIONMASTER_TEST_")} == set()
