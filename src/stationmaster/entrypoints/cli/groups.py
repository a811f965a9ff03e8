"""Groups of commands that load only the command that is called: the service takes seconds, its client needs none of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

from stationmaster.entrypoints.cli.terminal import Refusal, err, printable

REFUSALS = "stationmaster.entrypoints.cli.refusals"


class PlainSpeakingGroup(TyperGroup):
    """Turns what a command raises into a refusal, for the commands of this group and of the groups inside it."""

    def invoke(self, ctx: Any) -> Any:  # typer's own context has no public name
        try:
            return super().invoke(ctx)
        except (TyperException, typer.Exit, typer.Abort):
            raise
        except Refusal as refusal:
            raise _end(refusal) from refusal
        except _explained() as error:
            found: Refusal | None = resolve_name(f"{REFUSALS}:find_refusal")(error)
            if found is None:
                raise
            raise _end(found) from error


def _explained() -> tuple[type[BaseException], ...]:
    """Return what can be put into words; asked only when something was raised."""
    explained: tuple[type[BaseException], ...] = resolve_name(f"{REFUSALS}:EXPLAINED")
    return explained


def _end(refusal: Refusal) -> typer.Exit:
    err.print(printable(str(refusal)), style="red", markup=False, soft_wrap=True)
    return typer.Exit(refusal.exit_code)


@dataclass(frozen=True, slots=True)
class Later:
    """Where a command, or a group of them, is when it is called (`module:name`), and what it says of itself until then."""

    place: str
    summary: str

    def load(self, name: str) -> Any:
        """Return the command as typer makes it."""
        holder = typer.Typer(rich_markup_mode="markdown")
        holder.callback()(lambda: None)
        found = resolve_name(self.place)
        if isinstance(found, typer.Typer):
            holder.add_typer(found, name=name)
        else:
            holder.command(name)(found)
        return typer.main.get_group(holder).commands[name]


class LazyGroup(PlainSpeakingGroup):
    """Lists its commands by what is announced of them; only the one that is called is loaded."""

    announced: ClassVar[Mapping[str, Later]] = {}

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {name: TyperCommand(name, help=later.summary) for name, later in self.announced.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Load the command that is called."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, self.announced[name].load(name) if name else command, rest

    def load_all(self) -> None:
        """Load all commands, for whoever describes them."""
        self.commands = {name: later.load(name) for name, later in self.announced.items()}
