"""Commands of Identity: the common service commands and its own."""

import asyncio
import sys

from identity import (
    bootstrap,
    cli_audit,
    cli_authenticators,
    cli_encryption,
    cli_keys,
    cli_platform,
    cli_units,
    partitions,
)
from identity.app import build, make_vault
from identity.base import MIGRATIONS, tables
from identity.cli_restoring import restored
from identity.search.service import SearchIndex
from identity.settings import BootstrapSettings, Settings
from messaging.cli import Service, main
from servicekit.cipher import Key
from servicekit.clock import SystemClock
from servicekit.db import Database
from servicekit.problems import Problem

SERVICE = Service("identity", Settings, build, MIGRATIONS, tables, restored=restored)


async def _bootstrap(world: str | None) -> None:
    settings = Settings()
    own = BootstrapSettings()
    chosen = None
    if world is not None:
        admin = bootstrap.first_admin(own.first_admin_phone, own.first_admin_name)
        chosen = bootstrap.world(world, dev=settings.dev, first_admin=admin)
    database = Database(settings.database_url, plans="force_custom_plan")
    clock, vault = SystemClock(), make_vault(settings)
    try:
        async with database.transaction() as session:
            await bootstrap.ensure_keys_and_clients(
                session,
                clock,
                vault,
                service_secrets=own.client_secrets,
                redirect_uris=own.portal_redirect_uris,
                workbench=_workbench(own),
                exchanges={name: own.exchanges_of(name) for name in own.client_secrets},
            )
            if settings.dev:
                await bootstrap.ensure_development_client(session, clock, settings)
            loaded = chosen is not None and await bootstrap.load_world(
                session, clock, vault, settings, chosen
            )
        sys.stdout.write("keys and clients are in place" + ("; world loaded\n" if loaded else "\n"))
    finally:
        await database.close()


def _workbench(own: BootstrapSettings) -> bootstrap.Workbench | None:
    if own.portal_url is None or own.portal_client_key is None:
        return None
    key = Key.parse(own.portal_client_key.get_secret_value())
    return bootstrap.Workbench(str(own.portal_url).rstrip("/"), key.secret)


async def _index_search() -> None:
    database = Database(Settings().database_url, plans="force_custom_plan")
    try:
        async with database.transaction() as session:
            await SearchIndex(session).renew()
    finally:
        await database.close()
    sys.stdout.write("queued; the running processes index everything\n")


def run(argv: list[str] | None = None) -> int:
    """Run a command. Return the exit status."""
    arguments = sys.argv[1:] if argv is None else argv
    if arguments[:1] == ["bootstrap"]:
        try:
            asyncio.run(_bootstrap(arguments[1] if len(arguments) > 1 else None))
        except (bootstrap.NoWorld, Problem) as error:
            sys.stderr.write(f"{error}\n")
            return 2
        return 0
    if arguments[:1] == ["keys"]:
        return cli_keys.run(arguments[1:])
    if arguments[:1] == ["partitions"]:
        sys.stdout.write(asyncio.run(partitions.run_once(Settings(), SystemClock())))
        return 0
    if arguments[:1] == ["reset-authenticators"]:
        return cli_authenticators.run(arguments[1:])
    if arguments[:1] == ["index-search"]:
        asyncio.run(_index_search())
        return 0
    if arguments[:1] == ["verify-audit"]:
        return cli_audit.verify(arguments[1:])
    if arguments[:1] == ["drop-audit-month"]:
        return cli_audit.drop(arguments[1:])
    if arguments[:1] == ["rotate-encryption-key"]:
        return cli_encryption.run(arguments[1:])
    if arguments[:1] == ["appoint-platform-admin"]:
        return cli_platform.run(arguments[1:])
    if arguments[:1] == ["dismiss-platform-admin"]:
        return cli_platform.run_dismiss(arguments[1:])
    if arguments[:1] == ["import-units"]:
        return cli_units.run(arguments[1:])
    return main(SERVICE, arguments)
