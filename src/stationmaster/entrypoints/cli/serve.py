"""`stationmaster serve`."""

from typing import Annotated

import typer

from stationmaster.entrypoints.cli import serving
from stationmaster.entrypoints.cli.house import log_files, read_settings, run
from stationmaster.telemetry import logging

Host = Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for every network of this machine.")]
Port = Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on; 0 for any free one.")]


def serve(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Run the service: HTTP, scheduler and runner, in one process.

    The first SIGTERM or SIGINT lets what is under way finish, a second one stops at once. Exit code 0 after a polite end,
    1 when a part failed or the end was cut short.
    """
    settings = read_settings()
    logging.configure(settings)
    listener = serving.bind(host, port)
    with listener, log_files(settings):
        run(serving.serve(settings, listener))
