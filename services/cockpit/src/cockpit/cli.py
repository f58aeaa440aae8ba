"""Commands of Cockpit: the standard service commands."""

from collections.abc import Sequence

from cockpit.app import build
from cockpit.base import MIGRATIONS, tables
from cockpit.settings import Settings
from messaging import cli

SERVICE = cli.Service("cockpit", Settings, build, MIGRATIONS, tables)


def run(argv: Sequence[str] | None = None) -> int:
    """Run a command and return the exit status."""
    return cli.main(SERVICE, argv)
