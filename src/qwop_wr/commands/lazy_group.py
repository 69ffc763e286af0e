"""A group of commands whose modules are imported only when they are called for."""

from collections.abc import Mapping
from importlib import import_module
from typing import ClassVar, NamedTuple

import click


class LazyCommand(NamedTuple):
    """Where a command is.

    Attributes:
        module: Module that has it, under the name ``command``.
        summary: What the group's help says of it.
    """

    module: str
    summary: str


class LazyGroup(click.Group):
    """A group whose help does not import its commands."""

    lazy_commands: ClassVar[Mapping[str, LazyCommand]] = {}
    """Where each command is, by name and in the help's order; set by subclasses."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands in the order given."""
        return list(self.lazy_commands)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None if there is none of that name."""
        if cmd_name not in self.lazy_commands:
            return None
        command: click.Command = import_module(self.lazy_commands[cmd_name].module).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, lazy.summary) for name, lazy in self.lazy_commands.items()])
