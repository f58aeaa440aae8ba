"""Commands of Cockpit: those every service has."""

from collections.abc import Sequence

from cockpit.app import build
from cockpit.base import MIGRATIONS, dead_letters, inbox, job_queue, outbox
from cockpit.settings import Settings
from messaging import cli

SERVICE = cli.Service("cockpit", Settings, build, MIGRATIONS, outbox, inbox, dead_letters, job_queue)


def run(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    return cli.main(SERVICE, argv)
