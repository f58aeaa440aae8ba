"""Rows of all feeds for tests of figures, and questions over the API."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from cockpit.feeds.declarations import FEEDS, FeedName
from services.cockpit.tests.support.running_cockpit import Cockpit, World

Rows = Mapping[FeedName, Iterable[Mapping[str, str]]]

_GOOD: Mapping[str, str] = {
    "year": "2024",
    "school_year": "2024-2025",
    "term": "秋季",
    "stage": "义务教育",
    "programme": "生活补助",
    "funding": "中央财政",
    "grade": "3",
    "entered_on": "2022-09-01",
    "nature": "公办",
    "residence": "乡村",
    "boarding": "是",
    "list_source": "民政部门",
    "hardship_type": "孤儿",
    "hardship_level": "特别困难",
    "valid_from": "2024-10-15",
    "due_on": "2024-05-31",
    "loan_kind": "生源地助学贷款",
    "bank": "国家开发银行",
    "granted_on": "2024-09-20",
    "document_number": "教财〔2024〕16号",
    "moved_on": "2024-04-10",
    "amount": "100.00",
    "balance": "100.00",
    "flow_kind": "拨付",
    "from_level": "市级",
    "to_level": "县级",
}
_STATES = {FeedName.ENROLMENT: "在籍在读", FeedName.PAYMENT: "应发", FeedName.LOAN: "已发放"}


def row_of(feed: FeedName, number: int, fields: Mapping[str, str]) -> dict[str, str]:
    """Return a good row: `fields`, and what a file of the feed needs besides."""
    row = {
        **_GOOD,
        "state": _STATES.get(feed, ""),
        "record_id": f"{feed[0]}{number}",
        "award_record_id": f"a{number}",
        **fields,
    }
    if feed is FeedName.PAYMENT and row["state"] in ("已发放", "退回", "paid", "returned"):
        row.setdefault("paid_on", row["due_on"])
    return {column.name: row.get(column.name, "") for column in FEEDS[feed].columns}


def file_of(rows: Iterable[Mapping[str, str]]) -> str:
    """Return rows as CSV."""
    listed = list(rows)
    out = io.StringIO()
    writer = csv.DictWriter(out, list(listed[0]))
    writer.writeheader()
    writer.writerows(listed)
    return out.getvalue()


async def add_units(cockpit: Cockpit, world: World) -> None:
    """Put the units of a world into the database that are not there yet."""
    async with cockpit.database.transaction() as session:
        session.add_all(world.rows)


async def send(cockpit: Cockpit, rows: Mapping[FeedName, list[dict[str, str]]], by: str = "centre") -> None:
    """Take in the rows of each feed as one batch; all must be accepted."""
    for feed, listed in rows.items():
        made = await cockpit.upload(feed.value, by, file_of(listed))
        assert made.status_code == 201, made.text
        assert made.json()["accepted"] == len(listed), made.text


async def ask(cockpit: Cockpit, by: str = "centre", **question: Any) -> dict[str, Any]:
    """Return the answer to a question."""
    response = await cockpit.http.post("/api/v1/query", json=question, headers=cockpit.bearer(by))
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def numbered(samples: Iterable[tuple[FeedName, Mapping[str, str]]]) -> dict[FeedName, list[dict[str, str]]]:
    """Return rows by feed, each with a number of its own."""
    rows: dict[FeedName, list[dict[str, str]]] = defaultdict(list)
    for number, (feed, fields) in enumerate(samples):
        rows[feed].append(row_of(feed, number, fields))
    return rows
