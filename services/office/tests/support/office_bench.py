"""A running Office on a database of its own, and a tree of units to act in."""

import uuid
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import delete, insert

from authkit.jwks import KeySet
from contracts import EventModel
from contracts.office import NoticeForwardedV1, NoticePublishedV1, NoticeSignedV1
from messaging.inprocess import InProcessBus
from office.app import build
from office.base import MIGRATIONS
from office.directory.models import Person, Unit
from office.notices.models import Forwarding, Notice, Signature
from office.settings import Settings
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.ids import new_id
from servicekit.migrations import upgrade
from testkit.tokens import TokenFactory

OFFICE_EVENTS = (NoticePublishedV1, NoticeForwardedV1, NoticeSignedV1)
SMALL = (
    ("100000", None),
    ("320000", "100000"),
    ("370000", "100000"),
    ("320100", "320000"),
    ("370100", "370000"),
    ("370200", "370000"),
    ("370102", "370100"),
    ("370103", "370100"),
    ("S3701020001", "370102"),
    ("S3701020002", "370102"),
    ("S3701030001", "370103"),
    ("D3701020001", "S3701020001"),
)
"""Two provinces; one city of 山东 with two counties, three schools and a 中心校."""


async def migrate(url: str) -> None:
    await upgrade(MIGRATIONS, url)


@dataclass
class World:
    """Units by code, as Identity would tell of them."""

    units: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str | None]]) -> "World":
        world = cls()
        for code, parent in pairs:
            world.add(code, parent)
        return world

    def add(self, code: str, parent: str | None, **changes: Any) -> None:
        above = None if parent is None else self.units[parent]
        self.units[code] = {
            "id": new_id(),
            "code": code,
            "name": f"{code}学生资助管理中心",
            "short_name": code,
            "level": "county",
            "kind": "student_aid",
            "stages": ["compulsory"],
            "region_code": None,
            "parent_id": None if above is None else above["id"],
            "path": code if above is None else f"{above['path']}.{code}",
            "status": "active",
            "version": 1,
            **changes,
        }

    def id(self, code: str) -> str:
        return str(self.units[code]["id"])

    def ref(self, code: str) -> dict[str, str]:
        return {"id": self.id(code), "code": code, "name": self.units[code]["name"]}


@dataclass
class Bench:
    """The service under test."""

    app: FastAPI
    world: World
    tokens: TokenFactory
    bus: InProcessBus
    clock: Clock
    database: Database
    events: list[EventModel] = field(default_factory=list)

    def token(self, code: str, *roles: str, **claims: Any) -> str:
        unit = self.world.units[code]
        mine = {
            "unit": str(unit["id"]),
            "unit_path": unit["path"],
            "roles": list(roles),
            "scope": "openid office",
            **claims,
        }
        return self.tokens.access_token(**mine)

    def client(self, token: str | None) -> httpx.AsyncClient:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app), base_url="http://office.test", headers=headers
        )

    def of(self, code: str, *roles: str, **claims: Any) -> httpx.AsyncClient:
        """A client of a new person in the unit `code`, with all the ordinary roles unless some are given."""
        return self.client(self.token(code, *(roles or ("handler", "unit_admin", "approver")), **claims))

    async def published(self, code: str = "100000", **changes: Any) -> str:
        """A notice that `code` has drafted and published; its id."""
        publisher = self.of(code)
        response = await publisher.post("/api/v1/notices", json=a_draft(**changes))
        assert response.status_code == 201, response.text
        notice_id = str(response.json()["id"])
        response = await publisher.post(f"/api/v1/notices/{notice_id}/publish")
        assert response.status_code == 200, response.text
        return notice_id

    async def forwarded(self, notice_id: str, *codes: str) -> None:
        for code in codes:
            response = await self.of(code).post(f"/api/v1/notices/{notice_id}/forward", json={})
            assert response.status_code == 201, response.text

    async def coverage(self, notice_id: str, code: str = "100000", **params: Any) -> dict[str, Any]:
        response = await self.of(code).get(f"/api/v1/notices/{notice_id}/coverage", params=params)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def put_units(self, world: World) -> None:
        """Make `world` the directory."""
        self.world = world
        async with self.database.transaction() as session:
            await session.execute(delete(Unit))
            await session.execute(insert(Unit), list(world.units.values()))

    async def put_people(self, people: Sequence[tuple[str, uuid.UUID]]) -> None:
        async with self.database.transaction() as session:
            await session.execute(
                insert(Person),
                [
                    {
                        "sub": sub,
                        "name": "张三",
                        "phone_masked": "138****0000",
                        "status": "active",
                        "unit_id": self.world.units[code]["id"],
                        "unit_path": self.world.units[code]["path"],
                        "roles": ["handler"],
                        "version": 1,
                    }
                    for code, sub in people
                ],
            )

    async def put_acts(
        self, notice_id: str, *, forwarded: Iterable[str] = (), signed: Iterable[str] = ()
    ) -> None:
        """Forwardings and signatures as bare facts, many at once."""
        now, sub = self.clock.now(), uuid.uuid4()
        ids = {"notice_id": uuid.UUID(notice_id)}
        forwardings = [
            {
                **ids,
                "unit_id": self.world.units[code]["id"],
                "deadline": now,
                "forwarded_by": sub,
                "forwarded_at": now,
            }
            for code in forwarded
        ]
        signatures = [
            {**ids, "unit_id": self.world.units[code]["id"], "signed_by": sub, "signed_at": now}
            for code in signed
        ]
        async with self.database.transaction() as session:
            if forwardings:
                await session.execute(insert(Forwarding), forwardings)
            if signatures:
                await session.execute(insert(Signature), signatures)

    async def forget_notices(self) -> None:
        async with self.database.transaction() as session:
            for model in (Forwarding, Signature, Notice):
                await session.execute(delete(model))


def a_draft(**changes: Any) -> dict[str, Any]:
    """A complete draft."""
    return {
        "document_number": "教助中心〔2023〕11号",
        "title": "关于举办全国学生资助业务培训的通知",
        "body": ["定于5月10日举办线上业务培训。", "请各单位按时组织参加。"],
        "urgency": "平件",
        "attachments": [{"name": "培训日程", "note": "一天半"}],
        "deadline_workdays": 5,
        **changes,
    }


@asynccontextmanager
async def running(url: str, clock: Clock, world: World, **changes: Any) -> AsyncIterator[Bench]:
    """Office, started, with `world` as its directory."""
    tokens = TokenFactory(audience="urn:zhuxue:office")

    async def jwks() -> dict[str, Any]:
        return tokens.jwks()

    settings = Settings(
        mode="dev",
        database_url=url,
        issuer=tokens.issuer,
        identity_url="http://127.0.0.1:9",
        client_id="office",
        client_secret=SecretStr("unused"),
        **changes,
    )
    bus = InProcessBus()
    app = build(settings, bus=bus, clock=clock, keys=KeySet(jwks))
    bench = Bench(app, world, tokens, bus, clock, app.state.database)
    bus.listen(OFFICE_EVENTS, bench.events.append)
    await bench.put_units(world)
    async with app.router.lifespan_context(app):
        yield bench
