"""Commands of the portal: those of a service without events and jobs."""

from collections.abc import Sequence

from messaging import cli
from portal.app import build
from portal.base import MIGRATIONS
from portal.restoring import restored
from portal.settings import Settings

SERVICE = cli.Service("portal", Settings, build, MIGRATIONS, restored=restored)


def run(argv: Sequence[str] | None = None) -> int:
    """Run a command and return the exit status."""
    return cli.main(SERVICE, argv)
