"""Lists are cut by key and never by offset; a cursor is ours or it is refused."""

import base64
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.servicekit.tests.support.notes_service import Note
from servicekit.db import Database
from servicekit.ids import new_id
from servicekit.paging import BadCursor, PageRequest, cut, decode, encode, instant, page

NOTES = "/api/v1/notes"
EPOCH = datetime(2000, 1, 2, tzinfo=UTC)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=4))
def test_a_cursor_gives_back_the_key_it_was_made_from(key: list[str]) -> None:
    assert decode(encode(key)) == key


@given(st.text(max_size=100) | st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_any_other_text_is_a_bad_cursor_and_never_a_defect(text: str) -> None:
    try:
        key = decode(text)
    except BadCursor:
        return
    assert all(isinstance(part, str) for part in key)


def test_the_key_of_a_cursor_has_the_types_of_the_list_or_is_refused() -> None:
    id_ = new_id()
    request = PageRequest(limit=10, cursor=encode(["甲", id_]))
    assert request.key(str, UUID) == ("甲", id_)
    assert PageRequest(limit=10, cursor=None).key(str, UUID) is None
    for cursor in (encode([id_]), encode(["甲", "not-an-id"]), encode(["甲", id_, "more"]), encode([])):
        with pytest.raises(BadCursor):
            PageRequest(limit=10, cursor=cursor).key(str, UUID)
    with pytest.raises(BadCursor):
        PageRequest(limit=10, cursor=encode(["a\0b", id_])).key(str, UUID)
    for half in ("\\ud800", "\\udfff", "a\\udc80b"):
        cursor = base64.urlsafe_b64encode(f'["{half}","{id_}"]'.encode()).decode()
        with pytest.raises(BadCursor):
            PageRequest(limit=10, cursor=cursor).key(str, UUID)


ZONES = st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours)))


@given(st.integers(0, 10**12).map(lambda micro: EPOCH + timedelta(microseconds=micro * 30_000)), ZONES)
def test_an_instant_comes_back_from_a_cursor_as_it_was(value: datetime, zone: timezone) -> None:
    request = PageRequest(limit=10, cursor=encode([value.astimezone(zone).isoformat()]))
    assert request.key(instant) == (value,)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-03-02",
        "2026-03-02T01:00:00",
        "1999-12-31T23:59:59+00:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-23:59",
    ],
)
def test_an_instant_without_a_zone_or_out_of_our_time_is_a_bad_cursor(text: str) -> None:
    with pytest.raises(BadCursor):
        PageRequest(limit=10, cursor=encode([text])).key(instant)


def test_rows_of_any_kind_are_cut_as_pages_are() -> None:
    rows = [object(), object(), object()]
    found = cut(rows, 2, lambda row: [rows.index(row)])
    assert (found.items, found.next) == (rows[:2], encode([1]))
    assert cut(rows, 3, lambda row: [rows.index(row)]).next is None
    assert page(["a", "b"], 1, lambda row: [row]).next == cut(["a", "b"], 1, lambda row: [row]).next


async def test_pages_follow_one_another_without_gap_or_repetition(
    client: httpx.AsyncClient, database: Database
) -> None:
    expected = [f"第{number:02}号" for number in range(25)]
    async with database.transaction() as session:
        session.add_all(Note(id=new_id(), title=title) for title in expected)

    seen: list[str] = []
    parameters: dict[str, Any] = {"limit": 10}
    sizes = []
    while True:
        page = (await client.get(NOTES, params=parameters)).json()
        seen += [item["title"] for item in page["items"]]
        sizes.append(len(page["items"]))
        if page["next"] is None:
            break
        parameters["cursor"] = page["next"]
        if len(sizes) == 1:
            # Something new before the cut: an offset would now repeat a row.
            async with database.transaction() as session:
                session.add(Note(id=new_id(), title="第00号之前"))
    assert seen == expected
    assert sizes == [10, 10, 5]


async def test_a_list_that_fills_its_last_page_ends_there(
    client: httpx.AsyncClient, database: Database
) -> None:
    async with database.transaction() as session:
        session.add_all(Note(id=new_id(), title=f"{number}") for number in range(4))
    page = (await client.get(NOTES, params={"limit": 4})).json()
    assert (len(page["items"]), page["next"]) == (4, None)
    empty = (await client.get(NOTES, params={"limit": 4, "cursor": encode(["9", new_id()])})).json()
    assert empty == {"items": [], "next": None}


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "!!!!",
        "中文",
        "bnVsbA",
        "e30",
        "WzFd",
        encode(["only one"]),
        encode(["a", "not-an-id"]),
        "W" * 500,
    ],
)
async def test_a_cursor_that_is_not_ours_is_refused(client: httpx.AsyncClient, cursor: str) -> None:
    response = await client.get(NOTES, params={"cursor": cursor})
    assert (response.status_code, response.json()["code"]) == (400, "bad_cursor")
