"""The four services, not started, on a database or on none."""

from typing import Any

from fastapi import FastAPI
from pydantic import AnyHttpUrl, SecretStr

import cockpit.app
import identity.app
import office.app
import portal.app
from cockpit.settings import Settings as CockpitSettings
from identity.settings import Settings as IdentitySettings
from messaging.inprocess import InProcessBus
from office.settings import Settings as OfficeSettings
from portal.settings import Settings as PortalSettings

NOWHERE = "postgresql+asyncpg://nobody:nothing@127.0.0.1:1/nowhere"
NAMES = ("identity", "office", "cockpit", "portal")


def application(name: str, database: str = NOWHERE) -> FastAPI:
    """A service, which finds no database unless one is given."""
    usual: dict[str, Any] = {"mode": "dev", "database_url": database, "issuer": "http://identity.test"}
    client: dict[str, Any] = {
        "identity_url": AnyHttpUrl("http://identity.test"),
        "client_id": "service",
        "client_secret": SecretStr("unused"),
    }
    bus = InProcessBus()
    if name == "identity":
        return identity.app.build(
            IdentitySettings(**usual, encryption_key="e1" * 32, index_key="1d" * 32), bus
        )
    if name == "office":
        return office.app.build(OfficeSettings(**usual, **client), bus)
    if name == "cockpit":
        settings = CockpitSettings(
            **usual, **client, analytics_dsn="chdb:///nowhere", upload_key=SecretStr("cc" * 32)
        )
        return cockpit.app.build(settings, bus)
    return portal.app.build(
        PortalSettings(
            **usual,
            public_url=AnyHttpUrl("http://portal.test"),
            identity_url=AnyHttpUrl("http://identity.test"),
            office_url=AnyHttpUrl("http://office.test"),
            cockpit_url=AnyHttpUrl("http://cockpit.test"),
            client_key=SecretStr("5b" * 32),
            encryption_key=SecretStr("e1" * 32),
        )
    )
