"""Archives are read member by member; hostile ones are refused, quickly and without a trace."""

import time
import tracemalloc
from pathlib import Path

import pytest

from stationmaster.domains.scripts.archives.names import Refused
from stationmaster.domains.scripts.archives.reading import Format, format_of, read_all
from tests.domains.scripts.archives.hostile import HOSTILE
from tests.support.archives import FILES, header, tar, zipped

MEMORY_BYTES = 150_000_000


@pytest.mark.parametrize("archive", [tar(), zipped(), tar({f"./{name}": text for name, text in FILES.items()})])
def test_files_are_read(archive: bytes) -> None:
    assert read_all(archive) == {name: text.encode() for name, text in FILES.items()}


def test_folders_are_no_files() -> None:
    archive = tar({"src/a b.py": "", "src/inner/.hidden": ""}, header("src", b"5"), header("empty/", b"5"))

    assert set(read_all(archive)) == {"src/a b.py", "src/inner/.hidden"}


def test_the_format_is_told_by_the_content() -> None:
    assert (format_of(tar()), format_of(zipped())) == (Format.TAR, Format.ZIP)


def test_there_are_many_hostile_kinds() -> None:
    assert len(HOSTILE) >= 30


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_archive_is_refused(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tracemalloc.start()
    began = time.monotonic()
    try:
        with pytest.raises(Refused) as refused:
            read_all(HOSTILE[kind])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert str(refused.value).isprintable()
    assert list(tmp_path.iterdir()) == []
    assert peak < MEMORY_BYTES
    assert time.monotonic() - began < 20
