"""The services that run together, one for each audience of the vocabulary."""

import importlib
from base64 import b32encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from rich.progress import Progress

from contracts.vocabulary import Audience, PlatformRole, Role
from onebox.postgres import Postgres
from onebox.settings import HOST
from onebox.start import DEMO, Demo
from onebox.state import Secrets
from servicekit.clock import SystemClock

if TYPE_CHECKING:
    from identity.bootstrap import World
    from messaging.cli import Service

NAMES = tuple(audience.service for audience in Audience)
PORTAL = "portal"
STORED = (*NAMES, PORTAL)
"""All that have a database."""
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
        if service.name != PORTAL
    }


def build_portal(around: Surroundings) -> FastAPI:
    """Create the portal, which has no events and serves at the address of the start page."""
    from portal.app import build  # already imported
    from portal.settings import Settings

    return build(
        Settings.model_validate(
            {
                "mode": "dev",
                "issuer": around.urls["identity"],
                "public_url": around.urls["start"],
                "database_url": around.postgres.url(PORTAL),
                **{f"{name}_url": around.urls[name] for name in NAMES},
                "client_key": around.secrets.portal_client_key,
                "encryption_key": around.secrets.portal_encryption_key,
            }
        )
    )


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
            "unread_counts": counts_at_office(around.urls["office"]),
            "encryption_key": around.secrets.encryption_key,
            "index_key": around.secrets.index_key,
            "sms_inbound_number": "106900001234",
            "sms_inbound_secret": around.secrets.sms_inbound_secret,
            # All people share the IP address of this machine.
            "sms_budget_per_address": 1_000_000,
            # The same few demo accounts sign in all day.
            "sms_budget_per_number": 1_000_000,
            "sms_budget_per_number_and_address": 1_000_000,
        }
    if name == "office":
        return {"file_store_url": f"file://{around.directory.resolve() / 'files'}"}
    if name == "cockpit":
        analytics = around.directory / "analytics"
        analytics.mkdir(exist_ok=True)
        return {"analytics_dsn": f"chdb://{analytics}", "upload_key": around.secrets.upload_key}
    return {}


def counts_at_office(url: str) -> dict[str, dict[str, str]]:
    """Return where front ends count what waits for a person at Office, for Identity's `GET /api/v1/me`."""
    return {
        "notices": {
            "audience": Audience.OFFICE,
            "href": f"{url}/api/v1/notices/inbox/counts",
            "pointer": "/unread/count",
        },
        "tasks": {"audience": Audience.OFFICE, "href": f"{url}/api/v1/tasks/counts", "pointer": "/open"},
    }


async def prepare(identity: FastAPI, around: Surroundings, progress: Progress) -> None:
    """Create Identity's keys and clients and, in an empty database, world S."""
    from identity import bootstrap  # already imported

    chosen = demo_world()
    total = len(chosen.units) + len(chosen.people)
    task = progress.add_task("单位与人员（世界 S）", total=total)
    vault, clock = identity.state.vault, SystemClock()
    async with identity.state.database.transaction() as session:
        await bootstrap.ensure_keys_and_clients(
            session,
            clock,
            vault,
            service_secrets=around.secrets.client_secrets,
            redirect_uris=[f"{around.urls['start']}{DEMO}/callback"],
            signed_out_uris=[f"{around.urls['start']}{DEMO}/signed-out"],
            workbench=bootstrap.Workbench(
                around.urls["start"], bytes.fromhex(around.secrets.portal_client_key)
            ),
        )
        await bootstrap.ensure_development_client(session, clock, identity.state.settings)
        await bootstrap.load_world(
            session, clock, vault, identity.state.settings, chosen, lambda done: progress.advance(task, done)
        )
        await bootstrap.appoint(session, clock, vault, identity.state.settings, _ADMINISTRATORS)
        await bootstrap.give_totp(
            session, clock, vault, {phone: _TOTP[role] for role, (phone, _) in _ADMINISTRATORS.items()}
        )
    progress.update(task, completed=total)


def demo_world() -> "World":
    """Return world S with a reviewer, and with cockpit viewers at the levels below the centre."""
    from identity import bootstrap
    from identity.units.rules import PersonSeed  # already imported, like bootstrap

    whole = bootstrap.world("s", dev=True)
    reviewer = PersonSeed(_REVIEWER, "宋清和", "370102", (Role.REVIEWER,))
    viewers = [PersonSeed(phone, name, code, (Role.HANDLER,)) for code, (phone, name) in _VIEWERS.items()]
    cockpit = whole.cockpit | {viewer.phone for viewer in viewers}
    return replace(whole, people=[*whole.people, reviewer, *viewers], cockpit=cockpit)


_REVIEWER = "19900009001"
_VIEWERS = {
    "370000": ("19900009002", "程知远"),
    "370100": ("19900009003", "陆闻笛"),
    "370102": ("19900009004", "叶书衡"),
}
"""Phone and name of cockpit viewers, by unit: a province, a city, a county."""
_ADMINISTRATORS = {
    PlatformRole.SYSTEM_ADMIN: ("19900009011", "秦安平"),
    PlatformRole.SECURITY_ADMIN: ("19900009012", "卫宁远"),
    PlatformRole.AUDIT_ADMIN: ("19900009013", "沈鉴明"),
}
"""Phone and name of the platform's three administrators."""
_TOTP = {role: b32encode(f"zhuxue demo {role}".encode()).decode().rstrip("=") for role in _ADMINISTRATORS}
"""The secrets of their one-time passwords, which the start page shows."""
_UNITS = (
    "100000",
    "370000",
    "370100",
    "370102",
    "370103",
    "S3701020001",
    "4132010284",
    "C3701020001",
    "D413201028401",
)
"""The centre, a province, a city, two counties, a school and a university, a 中心校 and an 院系, by level."""


def demo_accounts() -> list[Demo]:
    """Return demo people of every role and of every level, and the administrators of the platform."""
    chosen = demo_world()
    units = {unit.code: unit for unit in chosen.units}
    people = [person for person in chosen.people if person.unit_code in _UNITS]
    people.sort(key=lambda person: _UNITS.index(person.unit_code))
    members = [
        Demo(
            key=f"{person.unit_code}-{number}",
            name=person.name,
            unit=units[person.unit_code].name,
            level=units[person.unit_code].level.label,
            roles=(
                *(role.label for role in Role if role in person.roles),
                *(("驾驶舱用户",) if person.phone in chosen.cockpit else ()),
            ),
            phone=person.phone,
        )
        for number, person in enumerate(people)
    ]
    administrators = [
        Demo(
            key=role.value,
            name=name,
            unit="不属于任何单位",
            level="平台",
            roles=(role.label,),
            phone=phone,
            totp=_TOTP[role],
        )
        for role, (phone, name) in _ADMINISTRATORS.items()
    ]
    return members + administrators
