"""A crontab as jobs: lines that call curl become webhooks, others wait for a script that does the same."""

import re

from stationmaster.domains.jobs.transfer.movers.curl import move_curl
from stationmaster.domains.jobs.transfer.movers.moved import CannotMove, Moved
from stationmaster.kit.cron import ALIASES, CronError, parse
from stationmaster.kit.slug import make_slug

_SETTING = re.compile(r"^([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$")
_REDIRECTION = re.compile(r"\s+(?:\d?>{1,2}|&>|\|)\s*.*$")
_LONGEST_NAME = 60


def move_crontab(text: str, *, timezone: str | None = None) -> Moved:
    """Read a user's crontab. `CRON_TZ` holds from its line on.

    Raises:
        CannotMove: it has no line that is a job.
    """
    moved, zone, names = Moved(), timezone, dict[str, int]()
    for number, line in enumerate(text.splitlines(), start=1):
        content = line.strip()
        if not content or content.startswith("#"):
            continue
        setting = _SETTING.match(content)
        if setting:
            zone = _take_setting(setting[1], setting[2].strip("\"'"), moved, number) or zone
            continue
        try:
            moved.take(_move_line(content, number, zone, names))
        except (CronError, CannotMove) as error:
            moved.notes.append(f"Line {number} is left out: {error}")
    if not moved.jobs:
        raise CannotMove("; ".join(["no line of the crontab could be carried over", *moved.notes[:5]]))
    return moved


def _take_setting(name: str, value: str, moved: Moved, number: int) -> str | None:
    if name in {"CRON_TZ", "TZ"}:
        return value
    moved.notes.append(f"Line {number}: the variable {name} is left out.")
    return None


def _move_line(line: str, number: int, zone: str | None, names: dict[str, int]) -> Moved:
    expression, command = _split(line)
    parse(expression)
    program = command.split()[0].rsplit("/", 1)[-1]
    if program == "curl":
        moved = move_curl(_REDIRECTION.sub("", command.replace("\\%", "%")))
        name = str(moved.jobs[0].pop("name"))
    else:
        name = make_slug(program)[:_LONGEST_NAME] or f"line-{number}"
        moved = Moved([{"target": {"type": "script", "script": name}}])
        moved.notes.append(
            f"Line {number} runs {command[:200]!r}: register a script with the slug {name!r} that does it."
        )
    names[name] = names.get(name, 0) + 1
    schedule = {"cron_expression": expression} | ({"timezone": zone} if zone else {})
    moved.jobs[0] = {
        "name": name if names[name] == 1 else f"{name}-{names[name]}",
        "description": f"From a crontab: {line}"[:10_000],
        "schedules": [schedule],
        **moved.jobs[0],
    }
    return moved


def _split(line: str) -> tuple[str, str]:
    count = 1 if line.startswith("@") else 5
    parts = line.split(None, count)
    if len(parts) <= count:
        raise CannotMove("it has no command")
    expression = " ".join(parts[:count])
    return ALIASES.get(expression.lower(), expression), parts[count]
