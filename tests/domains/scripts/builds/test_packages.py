"""Packages in images of scripts: wheels of the house's own index, installed by the real pip."""

import io
import tarfile
from collections.abc import AsyncIterator
from zipfile import ZipFile

import pytest

from stationmaster.db.engine import Database
from stationmaster.domains.scripts.builds.builder import Builder
from stationmaster.domains.scripts.models import Status
from stationmaster.outbound.docker.engine import Engine, open_engine
from stationmaster.setting_groups import BuildSettings
from tests.domains.scripts.builds.stock import LEASE, Stock, make_stock
from tests.support.databases import ONLY_SQLITE
from tests.support.docker import NEEDS_DOCKER, DockerServer
from tests.support.python_image import make_python_image

pytestmark = [NEEDS_DOCKER, ONLY_SQLITE, pytest.mark.timeout(180)]

GREETER = 'def greet(name: str) -> str:\n    return f"hello {name}"\n'
MAIN = b"import sys\nimport greeter\nprint(greeter.greet(sys.argv[1]))\n"
SETUP = b"import pathlib\npathlib.Path('/was-here').touch()\nraise SystemExit('the setup of a source package ran')\n"


def make_wheel() -> bytes:
    """Make a package of one module."""
    facts = "greeter-1.2.dist-info"
    files = {
        "greeter.py": GREETER,
        f"{facts}/METADATA": "Metadata-Version: 2.1\nName: greeter\nVersion: 1.2\n",
        f"{facts}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{facts}/RECORD"])
    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as wheel:
        for name, text in {**files, f"{facts}/RECORD": record}.items():
            wheel.writestr(name, text)
    return buffer.getvalue()


def make_source() -> bytes:
    """Make a package that is there as its source only, and runs something when it is built."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        member = tarfile.TarInfo("sly-1.0/setup.py")
        member.size = len(SETUP)
        archive.addfile(member, io.BytesIO(SETUP))
    return buffer.getvalue()


@pytest.fixture(scope="module")
def base_image(docker_server: DockerServer) -> str:
    wheels = {"greeter-1.2-py3-none-any.whl": make_wheel(), "sly-1.0.tar.gz": make_source()}
    return make_python_image(docker_server, wheels)


@pytest.fixture
async def engine(docker_server: DockerServer) -> AsyncIterator[Engine]:
    async with open_engine(docker_server.url) as opened:
        yield opened


async def built(database: Database, engine: Engine, base_image: str, requirements: bytes) -> Stock:
    stock = await make_stock(database, {"main.py": MAIN, "requirements.txt": requirements}, entrypoint="main.py")
    settings = BuildSettings(base_image=base_image, network="none")
    assert await Builder(database, engine, settings, "tests", 65534, LEASE).build_next()
    return stock


async def test_the_script_finds_the_packages_that_it_names(
    database: Database, engine: Engine, base_image: str, docker_server: DockerServer
) -> None:
    stock = await built(database, engine, base_image, b"greeter == 1.2  # says hello\n")
    version = await stock.version()
    log = await stock.log()

    assert Status.SUCCESS is version.status, log
    assert any("Successfully installed greeter-1.2" in line for line in log)
    assert b"hello Ada\n" == docker_server.call("run", "--rm", "--network=none", str(version.image), "Ada").stdout


@pytest.mark.parametrize("requirement", [b"sly", b"greeter == 7", b"absent"])
async def test_what_is_no_wheel_of_the_index_fails_the_build(
    database: Database, engine: Engine, base_image: str, requirement: bytes
) -> None:
    stock = await built(database, engine, base_image, requirement)
    log = await stock.log()

    assert (Status.FAILED, None) == ((await stock.version()).status, (await stock.script()).current_version)
    assert any("No matching distribution found" in line for line in log), log
    assert not any("ran" in line for line in log)
