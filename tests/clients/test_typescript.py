"""A client for TypeScript, with types generated from the document: strict, and at work."""

import json
import shutil
from pathlib import Path

import pytest

from tests.clients.programs import output_of

pytestmark = pytest.mark.timeout(300)  # a compiler and a service start in it

HERE = Path(__file__).parent / "typescript"
MODULES = HERE / "node_modules"


@pytest.mark.skipif(not MODULES.is_dir(), reason="needs npm when `make test` begins")
async def test_types_are_generated_compile_and_work(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    for name in ("package.json", "tsconfig.json", "follow_a_job.ts"):
        shutil.copy(HERE / name, tmp_path)
    (tmp_path / "node_modules").symlink_to(MODULES)
    programs = MODULES / ".bin"
    options = (
        "openapi.json",
        "--output",
        "schema.d.ts",
        "--default-non-nullable=false",
    )  # defaults are optional

    await output_of(programs / "openapi-typescript", *options, folder=tmp_path)
    await output_of(programs / "tsc", folder=tmp_path)
    report = json.loads(await output_of("node", "built/follow_a_job.js", *arguments, folder=tmp_path))

    assert report == {
        "job": "from TypeScript",
        "state": "succeeded",
        "response_status": 200,
        "listed": [True],
        "missing": "/problems/not-found",
    }
