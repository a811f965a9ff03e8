"""The folder of a script: made, and packed."""

from pathlib import Path

import pytest

from stationmaster.domains.scripts.archives.reading import read_all
from stationmaster.domains.scripts.sources import read_archive
from stationmaster.entrypoints.cli.script.project import make_project, pack_folder, read_manifest
from stationmaster.entrypoints.cli.terminal import Refusal


@pytest.mark.parametrize("name", ["hello", "Großes Projekt: 1", "null"])
def test_a_first_script_is_right(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name

    make_project(folder)

    submission = read_archive(pack_folder(folder))
    assert submission.manifest.name == name
    assert read_manifest(folder)["slug"] == submission.manifest.slug


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("mine")

    with pytest.raises(Refusal):
        make_project(tmp_path)

    assert (tmp_path / "main.py").read_text() == "mine"


def test_what_does_not_belong_in_stays_out(tmp_path: Path) -> None:
    for name in ("main.py", "src/a.py", ".git/config", ".env", "__pycache__/a.pyc", "venv/lib.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "link.py").symlink_to("/etc/passwd")

    assert set(read_all(pack_folder(tmp_path))) == {"main.py", "src/a.py"}


@pytest.mark.parametrize("text", [None, "name: [", "- a", "description: x"])
def test_a_manifest_that_cannot_be_read(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "stationmaster.yaml").write_text(text)

    with pytest.raises(Refusal):
        read_manifest(tmp_path)
