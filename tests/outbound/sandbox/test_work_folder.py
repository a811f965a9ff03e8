"""The rooms of processes, and the folders in them."""

import os
from pathlib import Path

from stationmaster.outbound.sandbox.order import SandboxOrder
from stationmaster.outbound.sandbox.work_folder import clear_abandoned, open_room, remove


def test_a_room_lasts_as_long_as_its_context(tmp_path: Path) -> None:
    with open_room(tmp_path / "rooms") as room:
        assert room.folder.is_dir()

    assert [] == [*(tmp_path / "rooms").iterdir()]


def test_rooms_of_the_living_are_left_alone_and_others_cleared(tmp_path: Path) -> None:
    (tmp_path / "dead" / "execution-1-1" / "work").mkdir(parents=True)
    (tmp_path / "a file").touch()
    with open_room(tmp_path) as first:
        assert not (tmp_path / "dead").exists()
        with open_room(tmp_path) as second:
            assert (0, True, True) == (clear_abandoned(tmp_path), first.folder.exists(), second.folder.exists())


def test_files_can_be_copied_from_files(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"content")
    order = SandboxOrder(name="x", command=("true",), script={"deep/a": tmp_path / "source", "b": b"bytes"})
    with open_room(tmp_path / "rooms") as room:
        folder = room.make(order, {"params.json": b"{}"}, owner=None)
        placed = (folder / "script" / "deep" / "a").read_bytes(), (folder / "script" / "b").read_bytes()

        assert ((b"content", b"bytes"), b"{}") == (placed, (folder / "work" / "params.json").read_bytes())


def test_a_folder_goes_however_deep_it_is_and_what_it_links_to_stays(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").touch()
    target = tmp_path / "run"
    target.mkdir()
    (target / "link").symlink_to(tmp_path / "kept")
    descriptor = os.open(target, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d", dir_fd=descriptor)
        below = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(descriptor)
    remove(target)

    assert (False, True) == (target.exists(), (tmp_path / "kept" / "file").exists())
