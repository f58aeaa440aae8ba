"""Commands of Cockpit: `serve`, `migrate`, `dead-letters`."""

from collections.abc import Sequence
from typing import cast

from fastapi import FastAPI

from cockpit.app import build
from cockpit.base import MIGRATIONS, outbox
from cockpit.settings import Settings
from messaging.cli import Service
from messaging.cli import main as run
from servicekit.settings import ServiceSettings


def _settings() -> ServiceSettings:
    return Settings()


def _build(settings: ServiceSettings) -> FastAPI:
    return build(cast(Settings, settings))


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command."""
    return run(Service("cockpit", _settings, _build, MIGRATIONS, outbox), argv)
