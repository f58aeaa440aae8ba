"""Commands of Office: the standard service commands and its own."""

import sys
from collections.abc import Sequence

from messaging import cli
from office import cli_archive
from office.app import build
from office.base import MIGRATIONS, tables
from office.help import first
from office.restoring import restored
from office.settings import Settings

SERVICE = cli.Service("office", Settings, build, MIGRATIONS, tables, first_data=first.load, restored=restored)


def run(argv: Sequence[str] | None = None) -> int:
    """Run a command and return the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] and arguments[0] in cli_archive.COMMANDS:
        return cli_archive.run(arguments[0], arguments[1:])
    return cli.main(SERVICE, arguments)
