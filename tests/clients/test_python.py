"""A client for Python, generated from the document: without a warning, typed, and at work."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from tests.clients.programs import output_of

pytestmark = pytest.mark.timeout(300)  # a type checker and a service start in it

SCRIPT = Path(__file__).parent / "python" / "follow_a_job.py"
PACKAGE = "stationmaster_client"


async def test_a_client_is_generated_compiles_and_works(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    script = Path(shutil.copy(SCRIPT, tmp_path))
    (tmp_path / "plain.json").write_text(json.dumps({"post_hooks": [], "package_name_override": PACKAGE}))
    options = ("--path", "openapi.json", "--config", "plain.json", "--output-path", PACKAGE, "--meta", "none")
    generator = Path(sys.executable).with_name("openapi-python-client")

    await output_of(generator, "generate", *options, "--fail-on-warning", folder=tmp_path)
    strictness = ("--strict", "--disable-error-code", "redundant-cast")  # the generator casts once too often
    await output_of(sys.executable, "-m", "mypy", *strictness, PACKAGE, script, folder=tmp_path)
    report = json.loads(await output_of(sys.executable, script, *arguments, folder=tmp_path))

    assert report == {
        "job": "from Python",
        "state": "succeeded",
        "response_status": 200,
        "listed": [True],
        "missing": "/problems/not-found",
    }
