"""Commands of Sample: those every service has."""

from collections.abc import Sequence

from messaging import cli
from sample.app import build
from sample.base import MIGRATIONS, dead_letters, idempotency_keys, inbox, job_queue, outbox
from sample.settings import Settings

SERVICE = cli.Service(
    "sample", Settings, build, MIGRATIONS, outbox, inbox, dead_letters, job_queue, idempotency_keys
)


def run(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    return cli.main(SERVICE, argv)
