"""What others do meanwhile, over the REST API: administrators, and devices."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from contracts.vocabulary import PlatformRole, Role
from identity import bootstrap
from identity.clients.models import Client
from identity.clients.rules import DEVICE_CODE
from services.identity.tests.support.running_identity import Browser, line_of_authority

from .conftest import COUNTY_ADMIN, Site


def named(phone: str) -> str:
    """The name of somebody of the line of authority."""
    return next(person.name for person in line_of_authority().people if person.phone == phone)


def administrator_of(code: str) -> str:
    """The phone of a unit's administrator."""
    people = line_of_authority().people
    return next(one.phone for one in people if one.unit_code == code and Role.UNIT_ADMIN in one.roles)


@asynccontextmanager
async def administrator(site: Site, phone: str = COUNTY_ADMIN) -> AsyncIterator[httpx.AsyncClient]:
    """The REST API as an administrator uses it.

    It checks tokens by real time, so the site's clock must not be ahead.
    """
    site.clock.advance(max(datetime.now(UTC) - site.clock.now(), timedelta(0)))

    async def texts_have_arrived(_: httpx.Response) -> None:
        await site.app.state.sms_dispatcher.caught_up()

    hooks = {"response": [texts_have_arrived]}
    async with httpx.AsyncClient(base_url=site.url, timeout=60, event_hooks=hooks) as client:
        client.headers.update(await Browser(site.app, client).bearer(phone))
        yield client


async def invite(site: Site) -> str:
    """The link of a new invite to 历下区, without the site."""
    async with administrator(site) as api:
        unit = (await api.get("/api/v1/me")).json()["unit_id"]
        made = await api.post(f"/api/v1/units/{unit}/invites", json={"roles": ["handler"]})
        assert made.status_code == 201, made.text
        return str(made.json()["link"]).removeprefix(site.url)


async def appoint(site: Site, phone: str, name: str) -> None:
    """Register somebody, and appoint them as the platform's 系统管理员."""
    state = site.app.state
    async with state.database.transaction() as session:
        people = {PlatformRole.SYSTEM_ADMIN: (phone, name)}
        await bootstrap.appoint(session, state.clock, state.vault, state.settings, people)


async def approve(site: Site, phone: str = COUNTY_ADMIN) -> None:
    """Approve the only request that waits for an administrator."""
    async with administrator(site, phone) as api:
        (request,) = (await api.get("/api/v1/join-requests")).json()["items"]
        assert (await api.post(f"/api/v1/join-requests/{request['id']}/approve")).status_code == 200


async def device_code(site: Site) -> str:
    """What a device shows that is to sign in at a system of another platform."""
    shared: dict[str, Any] = {"redirect_uris": [], "audiences": [], "first_party": False}
    async with site.app.state.database.transaction() as session:
        session.add(
            Client(
                client_id="wall",
                client_name="山东省资助数据大屏",
                token_endpoint_auth_method="none",
                grant_types=[DEVICE_CODE],
                scopes=["openid", "profile"],
                registered_at=site.clock.now(),
                **shared,
            )
        )
    async with httpx.AsyncClient(base_url=site.url, timeout=60) as device:
        asked = await device.post(
            "/device_authorization", data={"client_id": "wall", "scope": "openid profile"}
        )
    assert asked.status_code == 200, asked.text
    return str(asked.json()["user_code"])
