"""`python -m office serve|migrate|dead-letters`."""

from collections.abc import Sequence

from fastapi import FastAPI

from messaging import cli
from office.app import build
from office.base import MIGRATIONS, outbox
from office.settings import Settings
from servicekit.settings import ServiceSettings


def _build(settings: ServiceSettings) -> FastAPI:
    assert isinstance(settings, Settings)
    return build(settings)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    service = cli.Service(
        name="office", settings=Settings, build=_build, migrations=MIGRATIONS, outbox=outbox
    )
    return cli.main(service, argv)
