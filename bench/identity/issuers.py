"""The two issuers under test: Identity and npm's oidc-provider."""

import base64
import contextlib
import json
import os
import secrets
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

from bench.common.servers import wait_for
from bench.identity.flows import CALLBACK, Client
from contracts.vocabulary import Audience
from identity import bootstrap
from identity.app import make_vault
from identity.base import MIGRATIONS
from identity.clients.models import Client as ClientRow
from identity.clients.models import ClientSecret, secret_hash
from identity.settings import Settings
from servicekit.clock import SystemClock
from servicekit.db import Database
from servicekit.migrations import upgrade
from testkit.backends import postgresql
from testkit.backends.process import PrivateProcess, free_port
from testkit.postgres import create_database

HERE = Path(__file__).parent
PEER = HERE / "peer"
SECRET = secrets.token_hex(20)
OPAQUE = "urn:zhuxue:opaque"
APP = "portal"
WEB = "bench-web"
SERVICE = "office"


def basic(client_id: str) -> Client:
    """Return a client; all clients have the same secret."""
    return Client(client_id, base64.b64encode(f"{client_id}:{SECRET}".encode()).decode())


@contextlib.asynccontextmanager
async def ours(
    server: str, processes: int, sms_url: str, log: Path
) -> AsyncIterator[tuple[int, int, list[str]]]:
    """Start Identity with world S; yield its port, the id of its first process and the phone numbers."""
    port = free_port()
    values = {
        "MODE": "dev",
        "PORT": str(port),
        "ISSUER": f"http://127.0.0.1:{port}",
        "DATABASE_URL": await create_database(server, "ours"),
        "ENCRYPTION_KEY": secrets.token_hex(32),
        "INDEX_KEY": secrets.token_hex(32),
        "SMS_GATEWAY_URL": sms_url,
        "SMS_GATEWAY_SECRET": SECRET,
        # Each sign-in of the benchmark is at a new browser, which people rarely have.
        "SIGN_IN_NOTICES": "false",
        "LOG_LEVEL": "WARNING",
        "WORKERS": str(processes),
    }
    settings = Settings(**{name.lower(): value for name, value in values.items()})  # type: ignore[arg-type]
    phones = await _prepare(settings)
    environment = {f"ZHUXUE_IDENTITY_{name}": value for name, value in values.items()}
    process = PrivateProcess(
        [sys.executable, "-m", "identity", "serve"],
        log=log,
        directories=[],
        env={**os.environ, **environment},
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/readyz", process)
        yield port, process.pid, phones
    finally:
        process.stop()


async def _prepare(settings: Settings) -> list[str]:
    await upgrade(MIGRATIONS, settings.database_url)
    database, clock, vault = (
        Database(settings.database_url, plans="force_custom_plan"),
        SystemClock(),
        make_vault(settings),
    )
    world = bootstrap.world("s", dev=True)
    try:
        async with database.transaction() as session:
            await bootstrap.ensure_keys_and_clients(
                session, clock, vault, service_secrets={SERVICE: SECRET}, redirect_uris=[CALLBACK]
            )
            await bootstrap.load_world(session, clock, vault, settings, world)
            now = datetime.now(UTC)
            session.add(
                ClientRow(
                    client_id=WEB,
                    client_name="有密钥的应用",
                    token_endpoint_auth_method="client_secret_basic",
                    redirect_uris=[CALLBACK],
                    grant_types=["authorization_code", "refresh_token"],
                    scopes=bootstrap.PEOPLE_SCOPES,
                    audiences=list(Audience),
                    first_party=True,
                    registered_at=now,
                    secrets=[ClientSecret(client_id=WEB, secret_hash=secret_hash(SECRET), created_at=now)],
                )
            )
    finally:
        await database.close()
    return [person.phone for person in world.people]


@contextlib.asynccontextmanager
async def peer(
    server: str,
    processes: int,
    phones: list[str],
    node_program: Path,
    log: Path,
    *,
    sms_url: str | None = None,
) -> AsyncIterator[tuple[int, int]]:
    """Start oidc-provider with the same clients and people; yield its port and its first process id.

    With `sms_url` it also does what Identity does beyond the protocol (`peer/same.js`).
    """
    same = sms_url is not None
    port = free_port()
    code = {"grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"]}
    redirects = {"redirect_uris": [CALLBACK]}
    secret = {"client_secret": SECRET, "token_endpoint_auth_method": "client_secret_basic"}
    clients = [
        {
            "client_id": APP,
            "token_endpoint_auth_method": "none",
            "application_type": "native",
            **code,
            **redirects,
        },
        {"client_id": WEB, "application_type": "native", **secret, **code, **redirects},
        {
            "client_id": SERVICE,
            "grant_types": ["client_credentials"],
            "redirect_uris": [],
            "response_types": [],
            **secret,
        },
    ]
    url = postgresql.plain_url(await create_database(server, "same" if same else "peer"))
    environment = {
        "ISSUER": f"http://127.0.0.1:{port}",
        "PORT": str(port),
        "WORKERS": str(processes),
        "CLIENTS": json.dumps(clients),
        "PHONES": json.dumps(phones),
        "DATABASE_URL": url,
        "NODE_ENV": "production",
        "SAME_WORK": "true" if same else "false",
        "SMS_URL": sms_url or "",
        "SMS_SECRET": SECRET,
    }
    process = PrivateProcess(
        [node_program, PEER / "server.js"],
        log=log,
        directories=[],
        env=os.environ | environment,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/.well-known/openid-configuration", process)
        yield port, process.pid
    finally:
        process.stop()
