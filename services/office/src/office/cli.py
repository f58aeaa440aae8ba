"""Commands of Office: the standard service commands."""

from collections.abc import Sequence

from messaging import cli
from office.app import build
from office.base import MIGRATIONS, tables
from office.settings import Settings

SERVICE = cli.Service("office", Settings, build, MIGRATIONS, tables)


def run(argv: Sequence[str] | None = None) -> int:
    """Run a command and return the exit status."""
    return cli.main(SERVICE, argv)
