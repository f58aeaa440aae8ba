"""The portal with Office and Cockpit in this process, and a session that is open already.

Identity is a stand-in that says who has signed in: signing in is measured by `bench.identity`.
"""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from joserfc.jwk import ECKey
from pydantic import AnyHttpUrl, SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import office.app
import portal.app
from authkit.jwks import KeySet
from bench.cockpit.serving import ISSUER
from bench.cockpit.serving import Served as Cockpit
from cockpit.models import Unit
from contracts.permissions import built_in_permissions
from contracts.vocabulary import Audience, Role
from messaging.inprocess import InProcessBus
from office.base import MIGRATIONS as OFFICE
from office.settings import Settings as OfficeSettings
from portal.base import MIGRATIONS as PORTAL
from portal.issuer.client import TokenResponse
from portal.issuer.keys import new_session_key
from portal.issuer.tokens import SignedIn
from portal.sessions import cookies
from portal.sessions.repository import SessionRepository
from portal.sessions.service import Sessions
from portal.settings import Settings
from servicekit.clock import SystemClock
from servicekit.ids import new_id
from servicekit.migrations import upgrade
from testkit.postgres import create_database
from testkit.serving import Served

ROLES = (Role.HANDLER, Role.UNIT_ADMIN)
SIGN_IN = "/bench/sign-in"
"""Sets the cookie of the open session, without a page that would stay in the browser's cache."""
LASTING = 86_400


def _me(unit: Unit, sub: str) -> dict[str, Any]:
    since = "2026-01-01T00:00:00Z"
    acting = {
        "unit_id": str(unit.id),
        "unit_name": unit.name,
        "unit_short_name": unit.short_name,
        "level": unit.level,
        "kind": unit.kind,
        "path": unit.path,
        "roles": [role.value for role in ROLES],
        "posts": [],
        "duties": "",
        "primary": True,
        "since": since,
        "entitlements": ["cockpit"],
    }
    return {
        "sub": sub,
        "name": "程知远",
        "phone_masked": "199****9002",
        "status": "active",
        "registered_at": since,
        "unit_id": str(unit.id),
        "acting": acting,
        "memberships": [acting],
        "roles": acting["roles"],
        "permissions": sorted(built_in_permissions(ROLES)),
        "entitlements": ["cockpit"],
        "platform_role": None,
        "unread": [],
    }


def _identity(cockpit: Cockpit, me: dict[str, Any]) -> Starlette:
    async def who(_: Request) -> Response:
        return JSONResponse(me)

    async def keys(_: Request) -> Response:
        return JSONResponse(cockpit.tokens.jwks())

    return Starlette(routes=[Route("/api/v1/me", who), Route("/jwks", keys)])


def _token(cockpit: Cockpit, audience: Audience, unit: Unit, sub: str, key: ECKey) -> str:
    return cockpit.tokens.access_token(
        aud=audience,
        sub=sub,
        unit=str(unit.id),
        unit_path=unit.path,
        level=unit.level,
        kind=unit.kind,
        roles=list(ROLES),
        entitlements=["cockpit"],
        scope="openid profile office cockpit:read cockpit:write",
        exp=2**33,
        cnf={"jkt": key.thumbprint()},
    )


async def _opened(app: Any, cockpit: Cockpit, unit: Unit, sub: str) -> str:
    """Open a session with a token for each service; return the value of its cookie."""
    secret, key = cookies.new_secret(), new_session_key()
    given = {audience: _token(cockpit, audience, unit, sub, key) for audience in Audience}
    async with app.state.database.transaction() as session:
        rows = SessionRepository(session)
        sessions = Sessions(rows, app.state.sealing, SystemClock(), app.state.lifetimes)
        row = await sessions.open(
            cookies.digest(secret),
            SignedIn(sub, str(new_id()), None, None),
            TokenResponse(
                access_token=given[Audience.IDENTITY],
                token_type="DPoP",
                expires_in=LASTING,
                refresh_token="never-used",
            ),
            key,
            audience=Audience.IDENTITY,
            browser="bench",
        )
        for audience in (Audience.OFFICE, Audience.COCKPIT):
            sealed = app.state.sealing.access_token(given[audience])
            await rows.put_token(row.id, audience, sealed, row.ends_at)
    return secret


@contextlib.asynccontextmanager
async def running(server: str, folder: str, cockpit: Cockpit, unit: Unit) -> AsyncIterator[str]:
    """Serve a person of `unit`; yield the portal's address. The databases of an earlier run are replaced."""
    sub = str(new_id())
    names = ("identity", "office", "cockpit", "portal")
    served = {name: Served() for name in names}
    url = {name: one.url for name, one in served.items()}
    databases = {}
    for name, migrations in (("office", OFFICE), ("portal", PORTAL)):
        own = f"bench_portal_{name}"
        databases[name] = await create_database(server, own, instead_of=[own])
        await upgrade(migrations, databases[name])
    of_office = office.app.build(
        OfficeSettings(
            mode="dev",
            run_jobs=False,
            issuer=ISSUER,
            database_url=databases["office"],
            identity_url=AnyHttpUrl(url["identity"]),
            client_id="office",
            client_secret=SecretStr("o" * 40),
            file_store_url=f"file://{folder}",
        ),
        InProcessBus(),
        keys=KeySet(_keys_of(cockpit)),
    )
    of_portal = portal.app.build(
        Settings(
            mode="dev",
            issuer=ISSUER,
            public_url=AnyHttpUrl(url["portal"]),
            database_url=databases["portal"],
            identity_url=AnyHttpUrl(url["identity"]),
            office_url=AnyHttpUrl(url["office"]),
            cockpit_url=AnyHttpUrl(url["cockpit"]),
            client_key=SecretStr("5b" * 32),
            encryption_key=SecretStr("e1" * 32),
        )
    )
    apps: dict[str, Any] = {
        "identity": _identity(cockpit, _me(unit, sub)),
        "office": of_office,
        "cockpit": cockpit.app,
    }
    async with contextlib.AsyncExitStack() as stack:
        for app in (of_office, of_portal):
            await stack.enter_async_context(app.router.lifespan_context(app))
        secret = await _opened(of_portal, cockpit, unit, sub)

        async def sign_in(_: Request) -> Response:
            answer = Response("signed in", media_type="text/plain")
            cookies.put(answer, secret)
            return answer

        of_portal.router.routes.insert(0, Route(SIGN_IN, sign_in))
        for name, one in {**apps, "portal": of_portal}.items():
            await stack.enter_async_context(served[name].running(one))
        yield url["portal"]
    for one in served.values():
        one.close()


def _keys_of(cockpit: Cockpit) -> Any:
    async def fetch() -> dict[str, Any]:
        return cockpit.tokens.jwks()

    return fetch
