"""Client for front-end development, in dev mode only.

It is native (RFC 8252 §7.3): any port of 127.0.0.1 is accepted. Development servers use the name localhost,
for which ports are matched exactly (RFC 8252 §8.3 advises against it), so their default ports are registered.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import Audience
from identity.clients.models import Client
from identity.clients.repository import ClientRepository
from identity.settings import Settings
from servicekit.clock import Clock
from servicekit.db import Database

CLIENT_ID = "dev-frontend"
PATHS = ("/", "/callback")
PORTS = (3000, 4173, 4200, 5173, 8080)
"""The default ports of Next.js, Vite's preview, Angular, Vite and Vue CLI."""
REDIRECT_URIS = [
    *(f"http://127.0.0.1{path}" for path in PATHS),
    *(f"http://localhost:{port}{path}" for port in PORTS for path in PATHS),
]


class DevModeOnly(RuntimeError):
    """The development client and production mode are mutually exclusive."""


async def register(session: AsyncSession, clock: Clock, settings: Settings, scopes: list[str]) -> None:
    """Register the client or replace its registration. Raises `DevModeOnly`."""
    if not settings.dev:
        raise DevModeOnly(f"{CLIENT_ID} is registered in dev mode only")
    await ClientRepository(session).put(
        Client(
            client_id=CLIENT_ID,
            client_name="本机前端开发",
            application_type="native",
            token_endpoint_auth_method="none",
            redirect_uris=REDIRECT_URIS,
            post_logout_redirect_uris=REDIRECT_URIS,
            grant_types=["authorization_code", "refresh_token"],
            scopes=scopes,
            audiences=list(Audience),
            first_party=True,
            registered_at=clock.now(),
        )
    )


async def check_absent(database: Database, settings: Settings) -> None:
    """Raise `DevModeOnly` outside dev mode if the client is registered, because the database is a
    developer's.
    """
    if settings.dev:
        return
    async with database.transaction() as session:
        if await ClientRepository(session).exists(CLIENT_ID):
            raise DevModeOnly(
                f"{CLIENT_ID} is registered: this database was used in dev mode and is not for production"
            )
