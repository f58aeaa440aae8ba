"""Commands of Sample: the standard service commands."""

from collections.abc import Sequence

from messaging import cli
from sample.app import build
from sample.base import MIGRATIONS, tables
from sample.settings import Settings

SERVICE = cli.Service("sample", Settings, build, MIGRATIONS, tables)


def run(argv: Sequence[str] | None = None) -> int:
    """Run a command and return the exit status."""
    return cli.main(SERVICE, argv)
