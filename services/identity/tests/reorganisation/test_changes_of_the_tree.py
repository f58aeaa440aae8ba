"""Moving, merging, splitting and closing units: where children and people are then, and who may do it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, text

from identity.audit.models import AuditRecord
from identity.base import outbox
from identity.units.changes import day_of
from servicekit.paging import encode
from services.identity.tests.support.running_identity import Browser, NewBrowser
from testkit.clock import FrozenClock
from testkit.waiting import moments

CENTRE_ADMIN = "19900000001"
CITY_ADMIN = "19900001039"  # 济南市 370100
COUNTY_ADMIN = "19900001323"  # 历下区 370102
SCHOOL_ADMIN = "19900002087"


@dataclass
class Office:
    """An administrator at a browser."""

    browser: Browser
    headers: dict[str, str]

    @classmethod
    async def of(cls, browser: Browser, phone: str) -> "Office":
        return cls(browser, await browser.bearer(phone))

    async def get(self, path: str, **params: Any) -> Any:
        answer = await self.browser.http.get(f"/api/v1{path}", headers=self.headers, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def unit(self, code: str) -> Any:
        return await self.get(f"/units/by-code/{code}")

    async def change(
        self, code: str, operation: str, version: int | None = None, /, **body: Any
    ) -> httpx.Response:
        unit = await self.unit(code)
        seen = "*" if version is None else f'"{version}"'
        return await self.browser.http.post(
            f"/api/v1/units/{unit['id']}/{operation}",
            headers={**self.headers, "If-Match": seen},
            json={"reason": "区划调整", **body},
        )

    async def move(self, code: str, to: str, **body: Any) -> httpx.Response:
        return await self.change(code, "move", parent_id=(await self.unit(to))["id"], **body)


@pytest.fixture
async def centre(new_browser: NewBrowser) -> Office:
    return await Office.of(new_browser(), CENTRE_ADMIN)


@pytest.fixture
async def city(new_browser: NewBrowser) -> Office:
    return await Office.of(new_browser(), CITY_ADMIN)


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


async def test_a_moved_unit_takes_its_whole_subtree_along(centre: Office, app: FastAPI) -> None:
    before = await centre.get(f"/units/{(await centre.unit('370102'))['id']}/subtree", limit=100)
    answer = await centre.move("370102", "370200")
    assert answer.status_code == 200, answer.text
    moved = answer.json()
    assert moved["path"] == "100000.370200.370102"
    assert answer.headers["etag"] == f'"{moved["version"]}"'
    after = await centre.get(f"/units/{moved['id']}/subtree", limit=100)
    assert [unit["code"] for unit in after["items"]] == [unit["code"] for unit in before["items"]]
    for old, new in zip(before["items"], after["items"], strict=True):
        assert new["path"] == old["path"].replace("100000.370000.370100.370102", moved["path"])
        assert new["version"] == old["version"] + 1
    school = after["items"][1]
    chain = await centre.get(f"/units/{school['id']}/ancestors")
    assert [unit["code"] for unit in chain] == ["100000", "370200", "370102", school["code"]]
    history = await centre.get(f"/units/{school['id']}/history")
    assert [change["change"] for change in history["items"]] == ["moved_with", "opened"]


async def opened_on(app: FastAPI, day: date) -> None:
    """As if the world had been loaded on this day.

    It was loaded once for all tests, today or yesterday, and tokens are checked by the real clock.
    """
    async with app.state.database.transaction() as session:
        await session.execute(text("UPDATE unit_changes SET effective_on = :day"), {"day": day})


async def test_the_tree_of_a_day_before_the_move_is_still_there(
    centre: Office, app: FastAPI, clock: FrozenClock
) -> None:
    today = day_of(clock.now())
    first = today - timedelta(days=15)
    await opened_on(app, first)
    school = (await centre.unit("S3701020001"))["id"]
    on_document = {
        "document_number": "鲁教发〔2026〕12号",
        "effective_on": (today - timedelta(days=5)).isoformat(),
    }
    answer = await centre.move("370102", "370200", **on_document)
    assert answer.status_code == 200, answer.text
    moved = answer.json()
    renamed = await centre.change("370102", "rename", name="历下区学生资助中心")
    assert renamed.status_code == 200, renamed.text

    async def on(day: date, unit: str) -> Any:
        return await centre.get(f"/units/{unit}", on=day.isoformat())

    assert (await on(first, school))["path"] == "100000.370000.370100.370102.S3701020001"
    assert (await on(today, school))["path"] == "100000.370200.370102.S3701020001"
    assert (await on(today - timedelta(days=5), moved["id"]))["path"] == moved["path"]
    assert (await on(today - timedelta(days=6), moved["id"]))["path"] == "100000.370000.370100.370102"
    assert (await on(today - timedelta(days=1), moved["id"]))["name"] == "历下区学生资助管理中心"
    assert (await on(today, moved["id"]))["name"] == "历下区学生资助中心"

    async def children(code: str, day: date) -> list[str]:
        parent = (await centre.unit(code))["id"]
        page = await centre.get(f"/units/{parent}/children", on=day.isoformat(), limit=1000)
        return [unit["code"] for unit in page["items"]]

    assert "370102" in await children("370100", first)
    assert "370102" not in await children("370200", first)
    assert "370102" in await children("370200", today)
    assert "370102" not in await children("370100", today)
    early = await centre.browser.http.get(
        f"/api/v1/units/{school}",
        headers=centre.headers,
        params={"on": (first - timedelta(days=1)).isoformat()},
    )
    assert code_of(early) == (404, "no_unit_on_day")
    chain = await centre.get(f"/units/{school}/ancestors", on=first.isoformat())
    assert [unit["code"] for unit in chain] == ["100000", "370000", "370100", "370102", "S3701020001"]
    history = (await centre.get(f"/units/{moved['id']}/history", limit=1))["items"]
    assert [row["change"] for row in history] == ["renamed"]

    async def drawn(code: str, day: date) -> list[str]:
        unit = (await centre.unit(code))["id"]
        tree = await centre.get(f"/units/{unit}/tree", on=day.isoformat(), depth=2)
        return [child["code"] for child in tree["children"]]

    assert "370102" in await drawn("370100", first)
    assert "370102" not in await drawn("370100", today)

    async def subtree(code: str, day: date, **more: Any) -> list[str]:
        unit, found, after = (await centre.unit(code))["id"], list[str](), dict[str, str]()
        while True:
            params = {"on": day.isoformat(), "limit": 2, **more, **after}
            page = await centre.get(f"/units/{unit}/subtree", **params)
            assert len(page["items"]) <= 2
            found += [one["path"] for one in page["items"]]
            if page.get("next") is None:
                return found
            after = {"cursor": page["next"]}

    was, now = await subtree("370100", first), await subtree("370100", today)
    assert was[0] == now[0] == "100000.370000.370100"
    assert "100000.370000.370100.370102.S3701020001" in was
    assert set(was) - set(now) == {path for path in was if "370102" in path}
    assert len(set(was)) == len(was)
    assert "100000.370200.370102.S3701020001" in await subtree("370200", today)
    counties = await subtree("370100", first, level="county")
    assert counties == [path for path in was if path.count(".") == 3 and "S" not in path]


@pytest.mark.parametrize("view", ["", "/children", "/ancestors", "/tree", "/subtree"])
async def test_the_tree_of_a_day_that_has_not_come_is_refused(
    centre: Office, clock: FrozenClock, view: str
) -> None:
    unit = (await centre.unit("370100"))["id"]
    tomorrow = day_of(clock.now()) + timedelta(days=1)
    answer = await centre.browser.http.get(
        f"/api/v1/units/{unit}{view}", headers=centre.headers, params={"on": tomorrow.isoformat()}
    )
    assert code_of(answer) == (400, "day_in_future")
    assert "今天" in answer.json()["detail"]


async def test_the_subtree_of_a_day_is_listed_by_path_only(centre: Office, clock: FrozenClock) -> None:
    unit, today = (await centre.unit("370100"))["id"], day_of(clock.now())
    answer = await centre.browser.http.get(
        f"/api/v1/units/{unit}/subtree",
        headers=centre.headers,
        params={"on": today.isoformat(), "sort": "name"},
    )
    assert code_of(answer) == (400, "day_sorted_by_path")


async def test_a_cursor_of_the_subtree_that_is_no_path_is_refused(centre: Office, clock: FrozenClock) -> None:
    unit, today = (await centre.unit("370100"))["id"], day_of(clock.now())
    for day in ({}, {"on": today.isoformat()}):
        answer = await centre.browser.http.get(
            f"/api/v1/units/{unit}/subtree",
            headers=centre.headers,
            params={"cursor": encode(["no path"])} | day,
        )
        assert code_of(answer) == (400, "bad_cursor")


async def test_tokens_for_the_former_place_are_refused_and_new_ones_reach_the_new_place(
    centre: Office, new_browser: NewBrowser
) -> None:
    county, school, other = new_browser(), new_browser(), new_browser()
    old, below = await county.bearer(COUNTY_ADMIN), await school.bearer(SCHOOL_ADMIN)
    untouched = await other.bearer("19900001325")
    office, auth = await school.token(SCHOOL_ADMIN, "urn:zhuxue:office"), ("office", "o" * 40)
    told = {"token": office.json()["access_token"]}
    assert (await school.http.post("/introspect", data=told, auth=auth)).json()["active"] is True
    assert (await centre.move("370102", "370200")).status_code == 200
    async for _ in moments():
        refused = await county.http.get("/api/v1/me", headers=old)
        if refused.status_code == 401:
            break
    assert code_of(refused) == (401, "token_revoked")
    assert (await other.http.get("/api/v1/me", headers=untouched)).status_code == 200
    new = await county.bearer(COUNTY_ADMIN)
    found = await county.http.get("/api/v1/me", headers=new)
    assert found.status_code == 200, found.text
    assert (await school.http.get("/userinfo", headers=below)).status_code == 401
    assert (await school.http.post("/introspect", data=told, auth=auth)).json() == {"active": False}


async def test_a_unit_moves_only_within_reach_and_never_below_itself(centre: Office, city: Office) -> None:
    assert code_of(await city.move("370102", "370200")) == (403, "out_of_reach")
    assert code_of(await city.move("370202", "370100")) == (403, "out_of_reach")
    assert code_of(await city.move("370100", "370102")) == (403, "own_unit")
    assert code_of(await centre.move("370100", "370102")) == (400, "move_into_own_subtree")
    assert code_of(await centre.move("370100", "370100")) == (400, "move_into_own_subtree")
    assert code_of(await centre.move("370102", "370100")) == (409, "already_below")
    assert code_of(await centre.move("370102", "370103")) == (400, "level_not_below_parent")
    stale = await centre.change("370102", "move", 7, parent_id=(await centre.unit("370200"))["id"])
    assert code_of(stale) == (412, "version_changed")


async def test_a_change_is_dated_neither_in_the_future_nor_before_what_it_depends_on(
    centre: Office, app: FastAPI, clock: FrozenClock
) -> None:
    today = day_of(clock.now())
    future = (today + timedelta(days=1)).isoformat()
    past = (today - timedelta(days=1)).isoformat()
    await opened_on(app, today)
    assert code_of(await centre.move("370102", "370200", effective_on=future)) == (
        400,
        "effective_on_in_future",
    )
    early = await centre.move("370102", "370200", effective_on=past)
    assert code_of(early) == (409, "effective_on_too_early")
    assert today.isoformat() in early.json()["detail"]
    await opened_on(app, today - timedelta(days=10))
    assert (await centre.move("370102", "370200", effective_on=past)).status_code == 200
    again = await centre.move("370102", "370100", effective_on=(today - timedelta(days=2)).isoformat())
    assert code_of(again) == (409, "effective_on_too_early")


async def test_merging_moves_children_and_people_and_closes_the_unit(
    centre: Office, new_browser: NewBrowser, app: FastAPI
) -> None:
    person = new_browser()
    await person.bearer(COUNTY_ADMIN)
    merged = await centre.change("370102", "merge", into_id=(await centre.unit("370103"))["id"])
    assert merged.status_code == 200, merged.text
    into = await centre.unit("370103")
    assert (merged.json()["status"], merged.json()["merged_into_id"]) == ("closed", into["id"])
    page = await centre.get(f"/units/{into['id']}/children", limit=100)
    assert {"S3701020001", "S3701030001"} <= {unit["code"] for unit in page["items"]}
    token = await person.bearer(COUNTY_ADMIN)
    me = (await person.http.get("/api/v1/me", headers=token)).json()
    assert (me["unit_id"], "unit_admin" in me["roles"]) == (into["id"], True)
    history = (await centre.get(f"/units/{into['id']}/history"))["items"]
    assert [(row["change"], row["related_unit_id"]) for row in history] == [
        ("absorbed", merged.json()["id"]),
        ("opened", None),
    ]
    again = await centre.change("370102", "merge", into_id=into["id"])
    assert code_of(again) == (409, "unit_closed")
    levels = await centre.change("370104", "merge", into_id=(await centre.unit("370100"))["id"])
    assert code_of(levels) == (400, "merge_level_differs")


async def test_splitting_opens_a_unit_beside_and_moves_the_chosen_children(centre: Office) -> None:
    child = await centre.unit("S3701020001")
    answer = await centre.change(
        "370102", "split", code="370199", name="济南市高新区学生资助管理中心", child_ids=[child["id"]]
    )
    assert answer.status_code == 201, answer.text
    new = answer.json()
    assert (new["path"], new["level"], new["kind"]) == (
        "100000.370000.370100.370199",
        "county",
        "student_aid",
    )
    assert (await centre.unit("S3701020001"))["path"] == f"{new['path']}.S3701020001"
    assert (await centre.unit("C3701020001"))["path"] == f"{new['path']}.S3701020001.C3701020001"
    assert (await centre.unit("S3701020002"))["path"] == "100000.370000.370100.370102.S3701020002"
    other = await centre.change(
        "370102", "split", code="370198", name="济南市某某区中心", child_ids=[child["id"]]
    )
    assert code_of(other) == (400, "not_a_child")


async def test_nobody_splits_or_merges_the_unit_they_act_for(city: Office) -> None:
    body: dict[str, Any] = {"code": "370199", "name": "某某市中心", "child_ids": []}
    assert code_of(await city.change("370100", "split", **body)) == (403, "own_unit")
    into = (await city.unit("370200"))["id"]
    assert code_of(await city.change("370100", "merge", into_id=into)) == (403, "own_unit")


async def test_every_change_is_announced_and_audited(centre: Office, app: FastAPI) -> None:
    async with app.state.database.transaction() as session:
        await session.execute(text("DELETE FROM outbox"))
        await session.execute(text("ALTER TABLE outbox ALTER COLUMN next_attempt_at SET DEFAULT 'infinity'"))
    unit = await centre.unit("370102")
    assert (await centre.move("370102", "370200")).status_code == 200
    async with app.state.database.transaction() as session:
        rows = (await session.scalars(select(outbox.row).order_by(outbox.row.seq))).all()
        record = (await session.scalars(select(AuditRecord).where(AuditRecord.action == "unit.moved"))).one()
    kinds = [row.type.removeprefix("zhuxue.identity.") for row in rows]
    assert kinds == ["unit.changed.v1", "units.changed.v1", "unit.access.revoked.v1"]
    assert {one["version"] for one in rows[1].data["units"]} == {2}
    assert rows[2].data["path"] == unit["path"]
    assert datetime.fromisoformat(rows[2].data["expires_at"]) > record.at
    assert (record.details["former"], record.details["units"]) == (unit["path"], 4)


async def test_details_and_names_change_without_moving_the_unit(centre: Office) -> None:
    unit = await centre.unit("370102")
    where = f"/api/v1/units/{unit['id']}"
    headers = {**centre.headers, "If-Match": f'"{unit["version"]}"'}
    body = {"reason": "启用新址", "duty_phone": "0531-86012345", "address": "济南市历下区解放东路 1 号"}
    changed = await centre.browser.http.patch(where, headers=headers, json=body)
    assert changed.status_code == 200, changed.text
    assert (changed.json()["duty_phone"], changed.json()["version"]) == ("0531-86012345", 2)
    stale = await centre.browser.http.patch(where, headers=headers, json=body)
    assert code_of(stale) == (412, "version_changed")
    headers["If-Match"] = '"2"'
    same = await centre.browser.http.patch(where, headers=headers, json=body)
    assert same.json()["version"] == 2
    mobile = await centre.browser.http.patch(
        where, headers=headers, json={**body, "duty_phone": "13812345678"}
    )
    assert mobile.status_code == 422
    nowhere = await centre.browser.http.patch(where, headers=headers, json={**body, "region_code": "999999"})
    assert code_of(nowhere) == (400, "unknown_division")
    removed = await centre.browser.http.patch(
        where, headers=headers, json={"reason": "停用", "address": None}
    )
    assert (removed.json()["address"], removed.json()["duty_phone"]) == (None, "0531-86012345")
    unconditional = await centre.browser.http.patch(where, headers=centre.headers, json=body)
    assert unconditional.status_code == 428


async def test_a_tree_and_a_filtered_subtree_are_bounded_pages(centre: Office) -> None:
    root = await centre.unit("370000")
    tree = await centre.get(f"/units/{root['id']}/tree", depth=2)
    city = next(child for child in tree["children"] if child["code"] == "370100")
    assert [child["code"] for child in city["children"]][:2] == ["370102", "370103"]
    assert city["children"][0]["has_children"]
    assert city["children"][0]["more"]
    schools: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await centre.get(
            f"/units/{root['id']}/subtree",
            level="school",
            stage="secondary_vocational",
            sort="name",
            limit=30,
            **cursor,
        )
        schools += [unit["name"] for unit in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert len(schools) == len(set(schools)) > 30
    by_path = await centre.get(f"/units/{root['id']}/subtree", level="city", limit=3)
    rest = await centre.get(f"/units/{root['id']}/subtree", level="city", limit=1000, cursor=by_path["next"])
    assert len(by_path["items"]) + len(rest["items"]) == 15
