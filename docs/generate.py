"""Writes docs/reference and .env.example from the code: `make docs`. A test fails when they do not say what the code says."""

import importlib
import pkgutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer
from annotated_types import Ge, Le
from prometheus_client.metrics import MetricWrapperBase
from pydantic import BaseModel, SecretStr, TypeAdapter
from pydantic.fields import FieldInfo
from typer.cli import get_docs_for_click

import stationmaster
from stationmaster.config import Settings
from stationmaster.entrypoints.cli import app as command_line
from stationmaster.entrypoints.cli.groups import LazyGroup
from stationmaster.errors import StationmasterError
from stationmaster.telemetry import metrics

ROOT = Path(__file__).parents[1]
HEADING = "| Variable | Default | Allowed | Meaning |"
GENERATED = "*Made from the code by `make docs`; do not edit.*"


@dataclass(frozen=True)
class Setting:
    """One setting, as an operator sees it."""

    name: str
    field: FieldInfo

    @property
    def default(self) -> str:
        """The default as it would be written in the environment; empty when there is none."""
        match self.field.default:
            case None | SecretStr():
                return ""
            case bool() as flag:
                return str(flag).lower()
            case timedelta() as duration:
                return _written(duration)
            case tuple() as several:
                return ",".join(several)
            case value:
                return str(value)

    @property
    def allowed(self) -> str:
        """The values that are taken; empty when its type says it all."""
        if get_origin(self.field.annotation) is Literal:
            return ", ".join(f"`{value}`" for value in get_args(self.field.annotation))
        lowest = [f"from {_written(each.ge)}" for each in self.field.metadata if isinstance(each, Ge)]
        highest = [f"to {_written(each.le)}" for each in self.field.metadata if isinstance(each, Le)]
        return " ".join(lowest + highest)


@dataclass(frozen=True)
class Group:
    """Settings that belong together; the first group is that of the settings without one."""

    title: str
    text: str
    settings: list[Setting]


def groups() -> Iterator[Group]:
    """Walk all settings, in the order of the code."""
    prefix = Settings.model_config["env_prefix"]
    delimiter = Settings.model_config["env_nested_delimiter"]
    inner = {
        name: field.default for name, field in Settings.model_fields.items() if isinstance(field.default, BaseModel)
    }
    plain = {name: field for name, field in Settings.model_fields.items() if name not in inner}
    yield Group("In general", "What every installation has.", _settings(prefix, plain))
    for name, model in inner.items():
        prefix_of_group = f"{prefix}{name}{delimiter}".upper()
        yield Group(f"{prefix_of_group}*", model.__doc__ or "", _settings(prefix_of_group, type(model).model_fields))


def _written(value: object) -> str:
    return str(TypeAdapter(timedelta).dump_python(value, mode="json")) if isinstance(value, timedelta) else str(value)


def _settings(prefix: str, fields: dict[str, FieldInfo]) -> list[Setting]:
    return [Setting(f"{prefix}{name}".upper(), field) for name, field in fields.items()]


def settings_page() -> str:
    lines = [
        "# Settings",
        "",
        GENERATED,
        "",
        "Each setting is an environment variable, or a line of `.env` in the working directory; the environment wins.",
        "Durations are seconds (`15`) or ISO 8601 (`PT15S`); lists are separated by commas.",
    ]
    for group in groups():
        lines += ["", f"## {group.title}", "", group.text, "", HEADING, "|---|---|---|---|"]
        lines += [
            _row(f"`{each.name}`", _code(each.default), each.allowed, each.field.description) for each in group.settings
        ]
    return "\n".join(lines) + "\n"


def env_example() -> str:
    lines = [
        "# Copy to .env and take away the # where you want another value than the default.",
        "# Made from the code by `make docs`; docs/reference/settings.md is the same as a page.",
        "",
        "# compose.yaml needs these two; make each with `openssl rand -hex 32`.",
        "#POSTGRES_PASSWORD=",
        "#STATIONMASTER_SECRET_KEY=",
    ]
    for group in groups():
        lines += ["", "", f"# {group.title}: {group.text}"]
        for each in group.settings:
            lines += ["", f"# {each.field.description}", f"#{each.name}={each.default}"]
    return "\n".join(lines) + "\n"


def problems_page() -> str:
    lines = [
        "# Problems",
        "",
        GENERATED,
        "",
        "Whatever is refused is answered with `application/problem+json` (RFC 9457); `type` ends in the name below.",
        "",
        "| Type | Status | Title | When |",
        "|---|---|---|---|",
    ]
    occasions = defaultdict[tuple[int, str, str], list[str]](list)
    for kind in _all_errors():
        occasions[kind.status, kind.slug, kind.title].append(_first_line(kind))
    for (status, slug, title), texts in sorted(occasions.items()):
        lines.append(_row(f"`{slug}`", status, title, " ".join(sorted(filter(None, texts)))))
    return "\n".join(lines) + "\n"


def _all_errors() -> Iterator[type[StationmasterError]]:
    for module in pkgutil.walk_packages(stationmaster.__path__, "stationmaster."):
        importlib.import_module(module.name)
    waiting = [StationmasterError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        yield kind


def _first_line(kind: type) -> str:
    return (kind.__dict__.get("__doc__") or "").strip().partition("\n")[0]


def metrics_page() -> str:
    lines = [
        "# Metrics",
        "",
        GENERATED,
        "",
        "Served at `/metrics` in the Prometheus text format, beside the usual `process_*` metrics.",
        "",
        "| Metric | Kind | Labels | Meaning |",
        "|---|---|---|---|",
    ]
    for metric in vars(metrics).values():
        if isinstance(metric, MetricWrapperBase):
            described = next(iter(metric.describe()))
            name = f"{described.name}_total" if described.type == "counter" else described.name
            labels = ", ".join(f"`{label}`" for label in metric._labelnames)  # noqa: SLF001  # told nowhere else
            lines.append(_row(f"`{name}`", described.type, labels, described.documentation))
    return "\n".join(lines) + "\n"


def cli_page() -> str:
    command = typer.main.get_command(command_line)
    assert isinstance(command, LazyGroup)
    command.load_all()
    text = get_docs_for_click(obj=command, ctx=typer.Context(command), name="stationmaster", title="Command line")
    heading, _, rest = text.strip().partition("\n")
    return f"{heading}\n\n{GENERATED}\n{rest}\n"


def _row(*cells: Any) -> str:
    return "| " + " | ".join(str(cell or "").replace("|", "\\|") for cell in cells) + " |"


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


PAGES: dict[str, Callable[[], str]] = {
    "docs/reference/settings.md": settings_page,
    "docs/reference/problems.md": problems_page,
    "docs/reference/metrics.md": metrics_page,
    "docs/reference/cli.md": cli_page,
    ".env.example": env_example,
}


def main() -> None:
    """Write every page."""
    texts = {ROOT / path: page() for path, page in PAGES.items()}
    for file, text in texts.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


if __name__ == "__main__":
    main()
