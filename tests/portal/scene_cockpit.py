"""Figures of `make run`, batches of the city with rows that were refused, and a display in a hall."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from cockpit.feeds.declarations import FeedName
from onebox.facts.filling import NEVER, Filling
from onebox.settings import Settings
from services.cockpit.tests.support.figures import file_of, row_of
from testkit.waiting import moments

from .conftest import Visitor
from .scene_people import CITY, Cast, call
from .test_cockpit import decide, due

if TYPE_CHECKING:
    from fastapi import FastAPI

COCKPIT = "/api/cockpit/v1"
GOOD, ENROLLED = 60, 40
"""Persons alike, so that no figure is hidden; not all are known as students."""
PERSONS = "jinan"
WRONG = (
    *({"stage": "小学"},) * 3,
    *({"amount": "六百元"},) * 2,
    *({"unit_code": "S3701990001"},) * 4,
    {"year": "24"},
)


async def fill(cockpit: "FastAPI") -> None:
    """Bring in the facts of `make run`, once Cockpit has the units."""
    filling = Filling(cockpit, Settings.model_fields["awards"].default)
    async for _ in moments(pause=1):
        if await filling.run() == NEVER:
            return
    raise AssertionError("Cockpit has not copied the units")


def file(feed: FeedName, prefix: str, persons: int, wrong: Sequence[dict[str, str]] = ()) -> bytes:
    """A school's records of persons, with wrong rows."""
    of_school = {
        "unit_code": "S3701020001",
        "year": "2025",
        "school_year": "2025-2026",
        "valid_from": "2025-10-15",
        "amount": "625.00",
    }
    rows = [
        row_of(
            feed,
            number,
            {
                **of_school,
                "person_token": f"{PERSONS}-{number:020d}",
                "record_id": f"{prefix}-{number}",
                **changes,
            },
        )
        for number, changes in enumerate((*({},) * persons, *wrong))
    ]
    return file_of(rows).encode()


async def batches(city: Visitor) -> dict[str, str]:
    """Batches of the city, and an upload that was not finished; the first has quarantined rows."""
    own = (await call(city, "GET", "/api/identity/v1/me"))["unit_id"]
    made: list[Any] = []
    for feed, source, content in (
        (FeedName.AWARD, "济南市资助系统2025年秋季", file(FeedName.AWARD, "a", GOOD, WRONG)),
        (FeedName.AWARD, "济南市资助系统2025年补报", file(FeedName.AWARD, "b", GOOD)),
        (FeedName.HARDSHIP, "济南市困难学生认定结果", file(FeedName.HARDSHIP, "h", GOOD)),
        (FeedName.ENROLMENT, "济南市学籍系统", file(FeedName.ENROLMENT, "e", ENROLLED)),
    ):
        made.append(
            await call(
                city,
                "POST",
                f"{COCKPIT}/intake/batches",
                params={"feed": feed.value, "source": source, "unit": own},
                content=content,
                headers={"content-type": "text/csv; charset=utf-8", "idempotency-key": str(uuid4())},
            )
        )
    upload = {
        "feed": "hardship",
        "source": "济南市困难学生认定名单",
        "content_type": "text/csv; charset=utf-8",
        "size_bytes": 48_300_000,
        "unit": own,
    }
    await call(city, "POST", f"{COCKPIT}/intake/uploads", json=upload)
    return {"/intake/batches/:id": made[0]["id"]}


async def hall(cast: Cast, city: Visitor) -> None:
    """The city allows a display, which then shows its figures."""
    display = cast.new_visitor()
    begun = (await display.call("POST", "/bff/wall")).json()
    await decide(city, begun["user_code"], "allow")
    await due(cast.site)
    async for _ in moments(pause=0.5):
        answer = await display.call("GET", "/bff/wall")
        if answer.json()["state"] == "showing":
            break
        await due(cast.site)
    await display.call("GET", "/api/wall/cockpit/v1/views/overview")


async def prepare(cast: Cast, cockpit: "FastAPI") -> dict[str, str]:
    """Do all of it; return whose page each route with an id shows."""
    await fill(cockpit)
    city = await cast.of(CITY)
    await hall(cast, city)
    return await batches(city)
