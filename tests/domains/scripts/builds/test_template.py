"""The folder from which an image is built, and what may not get into it."""

import io
import tarfile

import pytest

from stationmaster.domains.scripts.builds.template import (
    CannotBuild,
    check_requirements,
    make_context,
    write_dockerfile,
)


def members(context: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(context)) as tar:
        return {member.name: (tar.extractfile(member) or io.BytesIO()).read() for member in tar}


def make(files: dict[str, bytes], *, allows_dockerfile: bool = False) -> dict[str, bytes]:
    return members(make_context(files, ["main.py"], base="base:1", uid=7, allows_dockerfile=allows_dockerfile))


def test_the_author_s_files_are_data_beside_our_dockerfile() -> None:
    made = make({"main.py": b"print()", "requirements.txt": b"attrs==26.1\n"})

    assert {"Dockerfile", "files/main.py", "files/requirements.txt"} == made.keys()
    assert made["Dockerfile"].decode().splitlines() == [
        "FROM base:1",
        "ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1",
        "WORKDIR /script",
        "COPY files/requirements.txt /tmp/requirements.txt",
        "RUN pip install --no-cache-dir --disable-pip-version-check --only-binary=:all: -r /tmp/requirements.txt",
        "COPY files/ /script/",
        "USER 7:7",
        'ENTRYPOINT ["python", "/script/main.py"]',
    ]


@pytest.mark.parametrize(
    ("entrypoint", "expected"),
    [
        (["main.sh"], '["/bin/sh", "/script/main.sh"]'),
        (["program"], '["/script/program"]'),
        (["python", "-m", "tool"], '["python", "-m", "tool"]'),
        (["a", 'b"]\nRUN id\nENTRYPOINT ["c'], r'["a", "b\"]\nRUN id\nENTRYPOINT [\"c"]'),
    ],
)
def test_an_entry_point_stays_one_line_of_json(entrypoint: list[str], expected: str) -> None:
    *_, last = write_dockerfile({}, entrypoint, base="base:1", uid=7).splitlines()

    assert f"ENTRYPOINT {expected}" == last


def test_without_requirements_nothing_is_run() -> None:
    assert "RUN" not in write_dockerfile({"main.py": b""}, ["main.py"], base="base:1", uid=7)


def test_an_own_dockerfile_needs_the_house_s_leave() -> None:
    files = {"Dockerfile": b"FROM other:1", "main.py": b""}

    with pytest.raises(CannotBuild, match="ALLOW_DOCKERFILE"):
        make(files)
    assert files == make(files, allows_dockerfile=True)


@pytest.mark.parametrize(
    "line",
    [
        "attrs==26.1",
        "  Jinja2 >= 3, < 4  # a remark",
        "uvicorn[standard]==0.54",
        'tomli==2.0; python_version < "3.11"',
        f"attrs==26.1 --hash=sha256:{'0' * 64}",
        "# only a remark",
        "",
    ],
)
def test_packages_may_be_required(line: str) -> None:
    check_requirements(line)


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://evil.example/simple",
        "-i https://evil.example/simple",
        "--extra-index-url=https://evil.example/simple",
        "--find-links /",
        "-e .",
        ".",
        "./package",
        "/etc/passwd",
        "file:///etc/passwd",
        "attrs @ file:///etc/passwd",
        "attrs @ https://evil.example/attrs.whl",
        "git+ssh://git@evil.example/x",
        "https://evil.example/x.tar.gz",
        "-r other.txt",
        "-c constraints.txt",
        "--no-binary :all:",
        "attrs==26.1 --global-option=x",
        "attrs==26.1 \\",
        "attrs==26.1 --hash=sha256:short",
        "attrs==26.1\x00",
        "${HOME}",
        "p\u0430ypal==1",
    ],
)
def test_anything_more_than_a_package_is_refused(line: str) -> None:
    with pytest.raises(CannotBuild, match="Line 2 of"):
        check_requirements(f"attrs==26.1\n{line}\n")
