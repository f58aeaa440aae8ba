"""A running Office on a database of its own, and clients of people who act for its units."""

import tempfile
import uuid
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import httpx
from fastapi import FastAPI
from pydantic import JsonValue, SecretStr
from sqlalchemy import delete, func, insert, select
from sqlalchemy.dialects.postgresql import insert as pg_insert

from authkit.jwks import KeySet
from contracts import EventModel
from contracts.documents import ReturnStatus
from contracts.office import (
    AnswerSubmittedV1,
    NoticeArchivedV1,
    NoticeForwardedV1,
    NoticePublishedV1,
    NoticeReturnDecidedV1,
    NoticeReturnedV1,
    NoticeSignedV1,
    NoticeSupersededV1,
    NoticeWithdrawnV1,
    ReminderRequestedV1,
)
from messaging.envelope import Envelope
from messaging.inprocess import InProcessBus
from office.addressing.rules import Address
from office.answers.models import Answer
from office.app import build
from office.base import MIGRATIONS, outbox, replica_tables
from office.coverage.jobs import recount
from office.coverage.schemas import CoverageOut
from office.directory.models import FormerPlace, Person, Unit
from office.dispatches.models import Forwarding, PickedUnit
from office.dispatches.repository import DispatchRepository
from office.forms.models import Form
from office.notices.content import NoticeContent
from office.notices.models import Notice
from office.receipts.models import Read, Signature
from office.returns.models import Return
from office.settings import Settings
from servicekit.db import Database
from servicekit.ids import new_id
from servicekit.migrations import upgrade
from services.office.tests.support.world import World
from testkit.clock import FrozenClock
from testkit.idle import idle_workers
from testkit.tokens import TokenFactory
from testkit.waiting import moments

OFFICE_EVENTS = (
    NoticePublishedV1,
    NoticeForwardedV1,
    NoticeSignedV1,
    NoticeReturnedV1,
    NoticeReturnDecidedV1,
    AnswerSubmittedV1,
    NoticeWithdrawnV1,
    NoticeSupersededV1,
    NoticeArchivedV1,
    ReminderRequestedV1,
)

FILE_LIMIT = 2 * 1024 * 1024
UNPACKED_LIMIT = 8 * 1024 * 1024


async def migrate(url: str) -> None:
    """Migrate, and have the replica be filled: tests put units there, Identity is not running."""
    await upgrade(MIGRATIONS, url)
    database = Database(url, plans="force_custom_plan", pool_size=1)
    async with database.transaction() as session:
        await session.execute(insert(replica_tables.snapshots).values(id=new_id(), units=0))
    await database.close()


_Event = TypeVar("_Event", bound=EventModel)


@dataclass
class RunningOffice:
    """The service under test."""

    app: FastAPI
    world: World
    tokens: TokenFactory
    bus: InProcessBus
    clock: FrozenClock
    database: Database
    _events: list[EventModel]

    def token(self, code: str, *roles: str, **claims: JsonValue) -> str:
        unit = self.world.units[code]
        mine: dict[str, Any] = {
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

    def unit(self, code: str, *roles: str, **claims: JsonValue) -> httpx.AsyncClient:
        """A client of a new person in the unit `code`, with all the ordinary roles unless some are given."""
        return self.client(self.token(code, *(roles or ("handler", "unit_admin", "approver")), **claims))

    async def published(self, code: str = "100000", **changes: JsonValue) -> str:
        """A notice that `code` has drafted and published; its id."""
        publisher = self.unit(code)
        await self.numbered(code)
        response = await publisher.post("/api/v1/notices", json=a_draft(**changes))
        assert response.status_code == 201, response.text
        notice_id = str(response.json()["id"])
        response = await publisher.post(f"/api/v1/notices/{notice_id}/publish")
        assert response.status_code == 200, response.text
        return notice_id

    async def numbered(self, code: str, prefix: str = "教助中心", first: int | None = None) -> None:
        """Give the unit a number series, unless it has one; with `first`, this year begins with it."""
        client = self.unit(code, "approver")
        made = await client.post("/api/v1/number-series", json={"prefix": prefix})
        assert made.status_code in {201, 409}, made.text
        if first is not None:
            path = f"/api/v1/number-series/{made.json()['id']}/years/{self.clock.now().year}"
            started = await client.put(path, json={"first": first})
            assert started.status_code == 200, started.text

    async def withdrawn(self, notice_id: str, code: str = "100000") -> None:
        path, reason = f"/api/v1/notices/{notice_id}/withdraw", {"reason": "内容有误"}
        response = await self.unit(code, "approver").post(path, json=reason)
        assert response.status_code == 200, response.text

    async def forwarded(self, notice_id: str, *codes: str) -> None:
        for code in codes:
            response = await self.unit(code).post(f"/api/v1/notices/{notice_id}/forward", json={})
            assert response.status_code == 201, response.text

    async def coverage(
        self,
        notice_id: str,
        code: str = "100000",
        *,
        under: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> CoverageOut:
        """The coverage of `under` (a unit's code; None: the own unit) that the unit `code` sees."""
        params: dict[str, str | int] = {"limit": limit}
        if under is not None:
            params["under"] = self.world.id(under)
        if cursor is not None:
            params["cursor"] = cursor
        response = await self.unit(code).get(f"/api/v1/notices/{notice_id}/coverage", params=params)
        assert response.status_code == 200, response.text
        return CoverageOut.model_validate_json(response.content)

    async def replace_units(self, world: World) -> None:
        """Make `world` the directory."""
        self.world = world
        async with self.database.transaction() as session:
            for model in (Unit, FormerPlace):
                await session.execute(delete(model))
            await session.execute(insert(Unit), [dict(unit) for unit in world.units.values()])
            former = [
                {"unit_id": world.units[code]["id"], **place.model_dump()}
                for code, places in world.former.items()
                for place in places
            ]
            if former:
                await session.execute(insert(FormerPlace), former)
        await self.index()

    async def index(self) -> None:
        """Have changes of units and people indexed."""
        await self.app.state.search_indexer.caught_up()

    async def deliver(self, *events: EventModel) -> None:
        """Have Office handle events of Identity."""
        envelopes = [
            Envelope(
                id=new_id(),
                source="/zhuxue/identity",
                type=event.type,
                subject="x",
                time=datetime.now(UTC),
                data=event.model_dump(mode="json"),
            )
            for event in events
        ]
        assert await self.bus.publish(envelopes) == [None] * len(envelopes)

    async def open(self, code: str, parent: str) -> None:
        """A unit opens below `parent` now."""
        self.world.add(code, parent, since=self.clock.now())
        await self.deliver(self.world.event(code))

    async def move(self, code: str, parent: str) -> None:
        """A unit moves below `parent` now, with what is below it."""
        moved = self.world.move(code, parent, self.clock.now())
        await self.deliver(*(self.world.event(other) for other in moved))

    async def close(self, code: str) -> None:
        """A unit closes now."""
        self.world.close(code, self.clock.now())
        await self.deliver(self.world.event(code))

    async def signed(self, notice_id: str, *codes: str) -> None:
        for code in codes:
            response = await self.unit(code).post(f"/api/v1/notices/{notice_id}/sign")
            assert response.status_code == 201, response.text

    async def sent(self, *kinds: type[_Event]) -> list[_Event]:
        """Return the events of these kinds, once all that was stored has been published."""
        await self.settle()
        return [event for event in self._events if isinstance(event, kinds)]

    async def settle(self) -> None:
        """Wait until the relay has emptied the outbox."""
        async for _ in moments():
            async with self.database.transaction() as session:
                if not await session.scalar(select(func.count()).select_from(outbox.row)):
                    return
        raise AssertionError("events still in the outbox")

    async def insert_people(self, people: Sequence[tuple[str, uuid.UUID]]) -> None:
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

    async def insert_receipts(
        self,
        notice_id: str,
        *,
        forwarded: Iterable[str] = (),
        signed: Iterable[str] = (),
        read: Iterable[tuple[str, uuid.UUID]] = (),
        answered: Iterable[str] = (),
        recount: bool = True,
    ) -> None:
        """Forwardings and receipts as bare facts, many at once."""
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
        reads = [
            {**ids, "unit_id": self.world.units[code]["id"], "sub": reader, "read_at": now}
            for code, reader in read
        ]
        answers = [
            {
                **ids,
                "unit_id": self.world.units[code]["id"],
                "path": self.world.units[code]["path"],
                "status": "submitted",
                "number": 1,
                "submitted_at": now,
            }
            for code in answered
        ]
        async with self.database.transaction() as session:
            if reads:
                await session.execute(pg_insert(Read).on_conflict_do_nothing(), reads)
            if answers:
                await session.execute(insert(Answer), answers)
            if forwardings:
                await session.execute(insert(Forwarding), forwardings)
            if signatures:
                await session.execute(insert(Signature), signatures)
        if recount:
            await self.recount(notice_id)

    async def recount(self, notice_id: str) -> None:
        async with self.database.transaction() as session:
            await recount(session, uuid.UUID(notice_id))

    async def ask(self, notice_id: str) -> datetime:
        """Give a notice a form with the number `n`; its deadline."""
        field = {"key": "n", "label": "人数", "type": "number"}
        form = {"fields": [field], "updated_by": new_id(), "updated_at": self.clock.now(), "version": 1}
        async with self.database.transaction() as session:
            await session.execute(insert(Form), [{"notice_id": uuid.UUID(notice_id), **form}])
            notice = await session.get_one(Notice, uuid.UUID(notice_id))
            assert notice.deadline is not None
            return notice.deadline

    async def insert_return(self, notice_id: str, code: str, *, confirmed: bool) -> None:
        """A return as a bare fact, unless the unit has returned the notice before."""
        now, sub = self.clock.now(), uuid.uuid4()
        values = {
            "notice_id": uuid.UUID(notice_id),
            "unit_id": self.world.units[code]["id"],
            "number": 1,
            "to_unit_id": sub,
            "forwarding_id": sub,
            "reason": "不属于参训范围",
            "returned_by": sub,
            "returned_at": now,
            "status": ReturnStatus.CONFIRMED if confirmed else ReturnStatus.CANCELLED,
            "decided_by": sub,
            "decided_at": now,
        }
        statement = pg_insert(Return).values(values)
        async with self.database.transaction() as session:
            await session.execute(
                statement.on_conflict_do_update(
                    index_elements=["notice_id", "unit_id", "number"], set_={"status": values["status"]}
                )
            )

    async def insert_dispatch(
        self, notice_id: str, code: str, number: int, address: Address, *, deadline: datetime | None = None
    ) -> None:
        """A dispatch as a bare fact, due now unless `deadline` says otherwise."""
        now = self.clock.now()
        forwarding = Forwarding(
            id=new_id(),
            notice_id=uuid.UUID(notice_id),
            unit_id=self.world.units[code]["id"],
            number=number,
            deadline=deadline or now,
            forwarded_by=uuid.uuid4(),
            forwarded_at=now,
        )
        forwarding.set_address(address)
        async with self.database.transaction() as session:
            await DispatchRepository(session).add(forwarding, address.picked)

    async def delete_notices(self) -> None:
        async with self.database.transaction() as session:
            for model in (PickedUnit, Forwarding, Signature, Read, Answer, Return, Person, Notice):
                await session.execute(delete(model))


def a_draft(**changes: JsonValue) -> dict[str, JsonValue]:
    """A complete draft."""
    return {
        "title": "关于举办全国学生资助业务培训的通知",
        "body": "<p>定于5月10日举办线上业务培训。</p><p>请各单位按时组织参加。</p>",
        "urgency": "normal",
        "attachments": [{"name": "培训日程", "note": "一天半"}],
        "deadline_workdays": 5,
        **changes,
    }


def a_notice(publisher: uuid.UUID, now: datetime) -> Notice:
    """A notice that has just been published, not stored yet."""
    by = uuid.uuid4()
    content = NoticeContent("标题", "<p>正文</p>")
    notice = Notice.draft(content, publisher=publisher, by=by, now=now)
    notice.issue("教助中心〔2023〕11号", by=by, now=now, publish_at=None)
    notice.publish(now=now, deadline=now + timedelta(days=7))
    return notice


@asynccontextmanager
async def running(
    url: str, clock: FrozenClock, world: World, *, public_url: str | None = None, run_jobs: bool = True
) -> AsyncIterator[RunningOffice]:
    """Office, started, with `world` as its directory."""
    tokens = TokenFactory(audience="urn:zhuxue:office")

    async def jwks() -> dict[str, Any]:
        return tokens.jwks()

    with tempfile.TemporaryDirectory(prefix="zhuxue-files-") as folder:
        settings = Settings.model_validate(
            {
                "mode": "dev",
                "run_jobs": run_jobs,
                "database_url": url,
                "issuer": tokens.issuer,
                "identity_url": "http://127.0.0.1:9",
                "client_id": "office",
                "client_secret": SecretStr("unused"),
                "public_url": public_url,
                "file_store_url": f"file://{folder}",
                "file_limit_bytes": FILE_LIMIT,
                "file_unpacked_limit_bytes": UNPACKED_LIMIT,
            }
        )
        bus = InProcessBus()
        app = build(settings, bus=bus, clock=clock, keys=KeySet(jwks))
        events: list[EventModel] = []
        bus.listen(OFFICE_EVENTS, events.append)
        office = RunningOffice(app, world, tokens, bus, clock, app.state.database, events)
        await office.replace_units(world)
        with idle_workers():
            async with app.router.lifespan_context(app):
                yield office
