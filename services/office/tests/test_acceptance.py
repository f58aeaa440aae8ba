"""The acceptance script of a national notice, steps 1 to 5, by requests; then a reorganisation midway.

One centre, two provinces, 兵团, 青岛 and two universities; 1,016 recipients with two people each.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from sqlalchemy import insert

from office.receipts.models import Read
from services.office.tests.support.running_office import RunningOffice, a_draft
from services.office.tests.test_coverage import world_s

N = "/api/v1/notices"
WITHHOLDING = "370101"
CUT_OFF = {"S3701011", "S3701012", "D370101"}

T = TypeVar("T")


async def together(do: Callable[[str], Awaitable[T]], codes: Iterable[str]) -> list[T]:
    """Call `do` for each unit, some at a time."""
    gate = asyncio.Semaphore(8)

    async def one(code: str) -> T:
        async with gate:
            return await do(code)

    return await asyncio.gather(*map(one, codes))


class Story:
    """The notice, and who does what with it."""

    def __init__(self, office: RunningOffice) -> None:
        self.office = office
        self.people = {
            code: [str(uuid.uuid4()), str(uuid.uuid4())] for code in office.world.units if code != "100000"
        }
        self.notice = ""

    async def publish(self) -> Any:
        await self.office.numbered("100000", first=11)
        centre = self.office.unit("100000")
        draft = (await centre.post(N, json=a_draft())).json()
        preview = await centre.post("/api/v1/recipients/preview", json={"recipients": draft["recipients"]})
        published = await centre.post(f"{N}/{draft['id']}/publish")
        assert published.status_code == 200, published.text
        self.notice = str(draft["id"])
        assert preview.json()["total"] == published.json()["delivered_to"]
        return published.json()

    async def forward(self, code: str) -> int:
        response = await self.office.unit(code, "handler", sub=self.people[code][0]).post(
            f"{N}/{self.notice}/forward",
            json={"cover_text": "现将通知转发给你们，请认真组织参会，做到不漏一校、不漏一人。"},
        )
        assert response.status_code == 201, response.text
        return int(response.json()["delivered_to"])

    async def sign(self, code: str) -> None:
        client = self.office.unit(code, "handler", sub=self.people[code][0])
        response = await client.post(f"{N}/{self.notice}/sign")
        assert response.status_code == 201, response.text

    async def read(self, code: str, *people: int) -> None:
        for number in people:
            client = self.office.unit(code, "reviewer", sub=self.people[code][number])
            response = await client.post(f"{N}/{self.notice}/read")
            assert response.status_code == 200, response.text

    async def read_all(self, lazy: set[str]) -> None:
        """Have everybody read, except the second person of `lazy` units; most of them at once."""
        some = [code for code in self.people if code not in lazy][:20]
        await together(lambda code: self.read(code, 0, 1), some)
        rows = [
            {
                "notice_id": uuid.UUID(self.notice),
                "sub": uuid.UUID(sub),
                "unit_id": self.office.world.units[code]["id"],
                "read_at": self.office.clock.now(),
            }
            for code, people in self.people.items()
            if code not in some
            for sub in (people[:1] if code in lazy else people)
        ]
        async with self.office.database.transaction() as session:
            await session.execute(insert(Read), rows)
        await self.office.recount(self.notice)

    async def wave(self, depth: int) -> int:
        """Have the units of one level forward, except the county that withholds and what it cuts off."""
        world = self.office.world
        parents = {unit["parent_id"] for unit in world.units.values()}
        senders = [
            code
            for code, unit in world.units.items()
            if unit["path"].count(".") == depth
            and unit["id"] in parents
            and unit["status"] == "active"
            and code not in CUT_OFF | {WITHHOLDING}
        ]
        return sum(await together(self.forward, senders))


@pytest.mark.long
async def test_a_national_notice_reaches_everybody(office: RunningOffice) -> None:
    await office.replace_units(world_s())
    story = Story(office)
    await office.insert_people(
        [(code, uuid.UUID(sub)) for code, people in story.people.items() for sub in people]
    )
    published = await story.publish()
    assert published["document_number"] == "教助中心〔2023〕11号"
    # Five workdays, of which Saturday 6 May is one.
    assert published["deadline"] == "2023-05-08T15:59:59Z"
    waves = [published["delivered_to"], *[await story.wave(depth) for depth in range(1, 5)]]
    assert waves == [6, 60, 265, 462, 220]

    # One county of 山东 withholds: two schools and a 中心校 have not got it, and the county is named.
    await together(story.sign, [code for code in story.people if code not in CUT_OFF])
    answer = await office.coverage(story.notice)
    assert (answer.signed, answer.total) == (1013, 1016)
    assert {item.unit.code for item in answer.missing.items} == CUT_OFF
    assert [item.unit.code for item in answer.blocking.items] == [WITHHOLDING]

    # 催办: it forwards, and everybody signs; one person each of two units does not read.
    waves[3] += await story.forward(WITHHOLDING)
    waves[4] += await story.forward("S3701011")
    assert waves == [6, 60, 265, 464, 221]
    assert sum(waves) == 1016
    await together(story.sign, sorted(CUT_OFF))
    lazy = {"S3701012", "S3201011"}
    await story.read_all(lazy)
    answer = await office.coverage(story.notice)
    assert (answer.delivered, answer.signed, answer.blocking.count) == (1016, 1016, 0)
    assert (answer.people.read, answer.people.total) == (2030, 2032)


@pytest.mark.long
async def test_a_merger_and_a_move_midway_leave_a_coverage_that_adds_up(office: RunningOffice) -> None:
    await office.replace_units(world_s())
    story = Story(office)
    await story.publish()
    assert [await story.wave(depth) for depth in range(1, 3)] == [60, 265]
    # Before the counties forward, one is merged into its neighbour, and one goes to another city.
    office.clock.advance(timedelta(days=1))
    merged, into, moved, city = "370102", "370202", "320101", "320200"
    await story.sign(moved)
    for school in (f"S{merged}1", f"S{merged}2"):
        await office.move(school, into)
    await office.close(merged)
    await office.move(moved, city)

    waiting = await office.coverage(story.notice)
    # The merged county had not signed, so nobody owes for it any more; all others still count.
    assert (waiting.total, waiting.delivered) == (1015, 330)
    assert waiting.total == sum(child.total for child in waiting.children)
    blocked = {item.unit.code: item.cut_off for item in waiting.blocking.items}
    assert (blocked[into], blocked[moved], merged in blocked) == (6, 3, False)

    await story.wave(3)
    await story.forward(WITHHOLDING)
    await story.wave(4)
    await story.forward("S3701011")
    signed = [
        code
        for code, unit in office.world.units.items()
        if code not in {"100000", moved} and unit["status"] == "active"
    ]
    await office.insert_receipts(story.notice, signed=signed)
    done = await office.coverage(story.notice)
    assert (done.total, done.delivered, done.signed, done.blocking.count) == (1015, 1015, 1015, 0)
    assert done.missing.items == []
    # What had reached a unit counts there; what had not, where it stands now.
    for scope in ("100000", "320000", "370000"):
        report = await office.coverage(story.notice, under=scope)
        own = 0 if scope == "100000" else 1
        assert report.total == own + sum(child.total for child in report.children)
    cities = await office.coverage(story.notice, under="320000")
    by_city = {child.unit.code: child.total for child in cities.children}
    before = dict.fromkeys(by_city, 0)
    for unit in world_s().units.values():
        for code in before:
            before[code] += f"{unit['path']}.".startswith(f"100000.320000.{code}.")
    # The county had the notice in its old city; its schools got it in the new one.
    assert by_city["320100"] == before["320100"] - 3
    assert by_city[city] == before[city] + 3
