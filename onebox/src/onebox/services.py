"""The services that run together, one for each audience of the vocabulary."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from rich.progress import Progress

from contracts.vocabulary import Audience
from onebox.postgres import Postgres
from onebox.settings import HOST
from onebox.state import Secrets
from servicekit.clock import SystemClock

if TYPE_CHECKING:
    from messaging.cli import Service

NAMES = tuple(audience.service for audience in Audience)
CLIENTS = tuple(name for name in NAMES if name != "identity")
"""Services that call Identity, each with the client of the same name."""


def load(name: str) -> "Service[Any]":
    """Import a service and its dependencies. Takes seconds."""
    service: Service[Any] = importlib.import_module(f"{name}.cli").SERVICE
    importlib.import_module("servicekit.migrations")
    return service


@dataclass(frozen=True)
class Surroundings:
    """The common resources and secrets of the services."""

    directory: Path
    postgres: Postgres
    secrets: Secrets
    urls: dict[str, str]


def build(loaded: "Sequence[Service[Any]]", around: Surroundings) -> dict[str, FastAPI]:
    """Create the services on one bus."""
    from messaging.inprocess import InProcessBus

    bus = InProcessBus()
    return {
        service.name: importlib.import_module(f"{service.name}.app").build(
            _settings(service.name, around), bus
        )
        for service in loaded
    }


def _settings(name: str, around: Surroundings) -> Any:
    values: dict[str, Any] = {
        "mode": "dev",
        "issuer": around.urls["identity"],
        "host": HOST,
        "database_url": around.postgres.url(name),
        **_own(name, around),
    }
    if name in CLIENTS:
        values |= {
            "identity_url": around.urls["identity"],
            "jwks_url": f"{around.urls['identity']}/jwks",
            "client_id": name,
            "client_secret": around.secrets.client_secrets[name],
        }
    return importlib.import_module(f"{name}.settings").Settings(**values)


def _own(name: str, around: Surroundings) -> dict[str, Any]:
    """Return the settings that only this service has."""
    if name == "identity":
        return {
            "encryption_key": around.secrets.encryption_key,
            "index_key": around.secrets.index_key,
            # All people share the IP address of this machine.
            "sms_budget_per_address": 1_000_000,
            # The same few demo accounts sign in all day.
            "sms_budget_per_number": 1_000_000,
        }
    if name == "cockpit":
        analytics = around.directory / "analytics"
        analytics.mkdir(exist_ok=True)
        return {"analytics_dsn": f"chdb://{analytics}"}
    return {}


async def prepare(identity: FastAPI, around: Surroundings, progress: Progress) -> None:
    """Create Identity's keys and clients and, in an empty database, world S."""
    from identity import bootstrap  # already imported

    chosen = bootstrap.world("s", dev=True)
    total = len(chosen.units) + len(chosen.people)
    task = progress.add_task("单位与人员（世界 S）", total=total)
    vault, clock = identity.state.vault, SystemClock()
    async with identity.state.database.transaction() as session:
        await bootstrap.ensure_keys_and_clients(
            session,
            clock,
            vault,
            service_secrets=around.secrets.client_secrets,
            redirect_uris=[f"{around.urls['start']}/callback"],
        )
        await bootstrap.ensure_development_client(session, clock, identity.state.settings)
        await bootstrap.load_world(
            session, clock, vault, identity.state.settings, chosen, lambda done: progress.advance(task, done)
        )
    progress.update(task, completed=total)


def demo_accounts() -> list[tuple[str, str]]:
    """Return (description, phone) of demo people: the centre, a province, two counties, a school."""
    from identity.units import worlds  # already imported

    people = worlds.world_s_people()
    wanted = {
        "370000": "山东省",
        "370102": "济南市历下区",
        "370103": "济南市市中区",
        "S3701020001": "历下区一所小学",
    }
    found = [("全国中心 · 管理员、签发人", worlds.centre_staff()[0].phone)]
    for code, name in wanted.items():
        mine = [person for person in people if person.unit_code == code]
        found += [(f"{name} · 管理员、签发人", mine[0].phone), (f"{name} · 经办人", mine[1].phone)]
    return found
