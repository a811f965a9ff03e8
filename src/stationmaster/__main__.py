"""Lets `python -m stationmaster` do what the command `stationmaster` does."""

from stationmaster.entrypoints.cli import app

if __name__ == "__main__":
    app(prog_name="stationmaster")
