"""Tar files in and out of a container."""

import io
import tarfile

import pytest

from stationmaster.outbound.docker.archive import MAX_MEMBERS, Member, UnsafeArchive, pack, unpack


def tar_of(*members: tarfile.TarInfo) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(b"x" * member.size))
    return buffer.getvalue()


def info(name: str, kind: bytes = tarfile.REGTYPE, **facts: object) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type = kind
    for key, value in facts.items():
        setattr(made, key, value)
    return made


def test_what_is_packed_comes_out_below_its_folder() -> None:
    raw = pack([Member("outputs", owner=7, mode=0o700), Member("outputs/a/b.txt", b"text", owner=7)])

    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        assert [("outputs", 7, 0o700), ("outputs/a/b.txt", 7, 0o444)] == [
            (each.name, each.uid, each.mode) for each in tar
        ]
    assert [("a/b.txt", b"text")] == list(unpack(raw))


@pytest.mark.parametrize(
    "member",
    [
        info("outputs/link", tarfile.SYMTYPE, linkname="/etc/passwd"),
        info("outputs/hard", tarfile.LNKTYPE, linkname="../../etc/passwd"),
        info("outputs/pipe", tarfile.FIFOTYPE),
        info("outputs/device", tarfile.BLKTYPE, devmajor=8),
        info("outputs/folder", tarfile.DIRTYPE),
    ],
    ids=["symlink", "hardlink", "pipe", "device", "folder"],
)
def test_what_is_no_plain_file_is_passed_over(member: tarfile.TarInfo) -> None:
    assert [("kept", b"xx")] == list(unpack(tar_of(member, info("outputs/kept", size=2))))


@pytest.mark.parametrize("name", ["../evil", "outputs/../../evil", "/etc/passwd", "outputs/a\\..\\b"])
def test_a_path_that_leads_out_is_refused(name: str) -> None:
    with pytest.raises(UnsafeArchive):
        list(unpack(tar_of(info(name, size=1))))


def test_too_many_files_are_refused() -> None:
    with pytest.raises(UnsafeArchive):
        list(unpack(tar_of(*(info(f"outputs/{number}") for number in range(MAX_MEMBERS + 1)))))


@pytest.mark.parametrize("raw", [b"no tar file at all" * 100, tar_of(info("outputs/a", size=5000))[:1500]])
def test_what_is_no_whole_tar_file_is_refused(raw: bytes) -> None:
    with pytest.raises(UnsafeArchive):
        list(unpack(raw))
