"""A running cockpit on databases of its own, clients of people who act for its units, and data to upload."""

import contextlib
import csv
import io
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import func, select

from authkit.jwks import KeySet
from cockpit.analytics.store import Analytics
from cockpit.app import build
from cockpit.base import AUDIENCE, MIGRATIONS
from cockpit.models import Batch, QuarantinedRow, Unit
from cockpit.settings import Settings
from cockpit.standards.planting import plant
from messaging.inprocess import InProcessBus
from servicekit.clock import SystemClock
from servicekit.db import Database
from servicekit.ids import new_id
from servicekit.migrations import upgrade
from testkit.tokens import TokenFactory

ISSUER = "http://identity.zhuxue.test"


async def migrate(url: str) -> None:
    """Migrate, and load the standards of the package once for all tests rather than at each start."""
    await upgrade(MIGRATIONS, url)
    database = Database(url, plans="force_custom_plan")
    await plant(database, SystemClock())
    await database.close()


@dataclass(frozen=True)
class Place:
    id: UUID
    code: str
    path: str
    level: str
    kind: str


@dataclass
class World:
    """Units by a short name."""

    places: dict[str, Place] = field(default_factory=dict)
    rows: list[Unit] = field(default_factory=list)

    def __getitem__(self, name: str) -> Place:
        return self.places[name]

    def add(self, name: str, code: str, parent: str | None, level: str, kind: str = "student_aid") -> None:
        above = None if parent is None else self.places[parent]
        path = code if above is None else f"{above.path}.{code}"
        place = Place(new_id(), code, path, level, kind)
        self.places[name] = place
        self.rows.append(
            Unit(
                id=place.id,
                code=code,
                name=f"单位{code}",
                short_name=code,
                level=level,
                kind=kind,
                stages=["compulsory"],
                region_code=code if len(code) == 6 else None,
                parent_id=None if above is None else above.id,
                path=path,
                status="active",
                version=1,
            )
        )


def small_world() -> World:
    world = World()
    world.add("centre", "100000", None, "ministry")
    world.add("province", "370000", "centre", "province")
    world.add("city", "370100", "province", "city")
    world.add("county", "370102", "city", "county")
    world.add("sibling", "370103", "city", "county")
    world.add("school", "3701020001", "county", "school", "school")
    world.add("other_school", "3701020002", "county", "school", "school")
    world.add("sibling_school", "3701030001", "sibling", "school", "school")
    world.add("nutrition", "370102Y", "city", "county", "nutrition")
    # A prefix of a label is not an ancestor.
    world.add("lookalike", "3701029", "city", "county")
    world.add("lookalike_school", "37010290001", "lookalike", "school", "school")
    return world


@dataclass
class Cockpit:
    app: FastAPI
    http: httpx.AsyncClient
    world: World
    tokens: TokenFactory
    bus: InProcessBus

    @property
    def database(self) -> Database:
        database: Database = self.app.state.database
        return database

    def claims(self, who: str = "county", **changes: Any) -> dict[str, Any]:
        place = self.world[who]
        return {
            "unit": str(place.id),
            "unit_path": place.path,
            "level": place.level,
            "kind": place.kind,
            "roles": ["handler"],
            "entitlements": ["cockpit"],
            "scope": "openid cockpit:read cockpit:write",
            **changes,
        }

    def bearer(self, who: str = "county", **changes: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens.access_token(**self.claims(who, **changes))}"}

    async def overview(self, unit: str, year: int = 2017, *, by: str | None = None) -> dict[str, Any]:
        response = await self.http.get(
            "/api/v1/overview",
            params={"unit": str(self.world[unit].id), "year": year},
            headers=self.bearer(by or unit),
        )
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def upload(
        self,
        feed: str,
        unit: str,
        content: bytes | str | AsyncIterator[bytes],
        *,
        by: str | None = None,
        content_type: str = "text/csv; charset=utf-8",
        headers: dict[str, str] | None = None,
        **params: str,
    ) -> httpx.Response:
        """Upload under a new key unless `batch_id` or a key is given."""
        named = headers or ({} if "batch_id" in params else {"Idempotency-Key": f"key-{new_id()}"})
        return await self.http.post(
            "/api/v1/intake/batches",
            params={"feed": feed, "unit": str(self.world[unit].id), "source": "测试来源", **params},
            content=content,
            headers={**self.bearer(by or unit), "Content-Type": content_type, **named},
        )


AWARD_COLUMNS = (
    "record_id",
    "unit_code",
    "year",
    "term",
    "stage",
    "programme",
    "funding",
    "person_token",
    "amount",
)


def award(**changes: str) -> dict[str, str]:
    """A good row of the feed `award`."""
    return {
        "record_id": f"r-{secrets.token_hex(6)}",
        "unit_code": "3701020001",
        "year": "2017",
        "term": "春季",
        "stage": "义务教育",
        "programme": "生活补助",
        "funding": "中央财政",
        "person_token": secrets.token_urlsafe(18),
        "amount": "625.00",
        **changes,
    }


def csv_of(rows: Sequence[dict[str, str]], columns: Sequence[str] = AWARD_COLUMNS) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


async def stored(cockpit: Cockpit) -> tuple[int, int, int]:
    """How many batches, quarantined rows and facts there are, counting or not."""
    async with cockpit.database.transaction() as session:
        batches = await session.scalar(select(func.count()).select_from(Batch)) or 0
        rows = await session.scalar(select(func.count()).select_from(QuarantinedRow)) or 0
    analytics: Analytics = cockpit.app.state.analytics
    facts = 0
    for table in ("award_facts", "aggregate_facts"):
        facts += (await analytics.query(f"SELECT count() AS n FROM {table}"))[0]["n"]
    return batches, rows, facts


async def amount(cockpit: Cockpit, unit: str = "county") -> str:
    found: str = (await cockpit.overview(unit))["awards"]["amount"]["yuan"]
    return found


async def move(cockpit: Cockpit, unit: str, under: str) -> None:
    """Move a unit with its subtree, as the replica does."""
    async with cockpit.database.transaction() as session:
        moved = await session.get(Unit, cockpit.world[unit].id)
        parent = await session.get(Unit, cockpit.world[under].id)
        assert moved is not None
        assert parent is not None
        before, moved.parent_id = moved.path, parent.id
        for one in (await session.scalars(select(Unit))).all():
            if one.path == before or one.path.startswith(f"{before}."):
                one.path = f"{parent.path}.{moved.code}{one.path.removeprefix(before)}"


async def paths(cockpit: Cockpit) -> dict[str, str]:
    names = {place.id: name for name, place in cockpit.world.places.items()}
    async with cockpit.database.transaction() as session:
        return {names[unit.id]: unit.path for unit in (await session.scalars(select(Unit))).all()}


async def withdraw(cockpit: Cockpit, batch_id: str, by: str) -> None:
    done = await cockpit.http.post(f"/api/v1/intake/batches/{batch_id}/reverse", headers=cockpit.bearer(by))
    assert done.status_code == 200, done.text


NATIONAL_2017 = Path(__file__).parents[2] / "src/cockpit/data/published/national_2017.csv"

Start = Callable[[], AbstractAsyncContextManager[Cockpit]]


async def prepared(
    database_url: str,
    analytics_dsn: str,
    upload_limit: int,
    world: World,
    *,
    hide_small_cells: bool = False,
) -> Start:
    """Put a world into the database; returns what starts the service on it, as often as called."""
    tokens = TokenFactory(issuer=ISSUER, audience=AUDIENCE)
    settings = Settings(
        mode="dev",
        database_url=database_url,
        issuer=ISSUER,
        identity_url=ISSUER,
        client_id="cockpit",
        client_secret=SecretStr("not-used-here"),
        analytics_dsn=analytics_dsn,
        analytics_database=f"test_{secrets.token_hex(6)}",
        analytics_threads=2,
        analytics_queue=4,
        upload_key=SecretStr("cc" * 32),
        upload_limit_bytes=upload_limit,
        max_body_bytes=1024,
        # Most tests count few persons.
        hide_small_cells=hide_small_cells,
    )
    database = Database(database_url, plans="force_custom_plan")
    async with database.transaction() as session:
        session.add_all(world.rows)
    await database.close()

    async def fetch() -> dict[str, Any]:
        return tokens.jwks()

    @contextlib.asynccontextmanager
    async def started() -> AsyncIterator[Cockpit]:
        bus = InProcessBus()
        app = build(settings, bus=bus, keys=KeySet(fetch))
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://cockpit.test") as http,
        ):
            yield Cockpit(app, http, world, tokens, bus)

    return started
