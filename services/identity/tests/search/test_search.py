"""Searching people and units through the API."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import insert, select, text, update

from identity.accounts.models import Account
from identity.accounts.repository import AccountRepository
from identity.accounts.rules import mask_phone
from identity.memberships.models import Membership
from identity.units.models import Unit
from searchkit.frequencies import Frequencies
from searchkit.matching import Part
from servicekit.ids import new_id
from services.identity.tests.support.running_identity import NewBrowser

Ask = Callable[..., Awaitable[Any]]
PEOPLE = {
    # name, unit, post, phone
    "王小明": ("370102", "主任", "13700001111"),
    "王小川": ("370102", "科员", "13700002222"),
    "曾小明": ("370100", "主任", "13700003333"),
    "单雄信": ("370000", "处长", "13700004444"),
    "王小明明": ("100000", "处长", "13700001111"[:-4] + "5555"),
}


@pytest.fixture
def prepared(one_line: Any) -> Any:
    return one_line


async def unit_id(app: FastAPI, code: str) -> UUID:
    async with app.state.database.transaction() as session:
        found = await session.scalar(select(Unit.id).where(Unit.code == code))
    assert found is not None
    return UUID(str(found))


@pytest.fixture
async def people(app: FastAPI) -> dict[str, UUID]:
    """Some more people, indexed."""
    vault, now = app.state.vault, datetime.now(UTC)
    subs = {name: new_id() for name in PEOPLE}
    units = {code: await unit_id(app, code) for code in ("100000", "370000", "370100", "370102")}
    async with app.state.database.transaction() as session:
        rows = []
        for name, (_, _, phone) in PEOPLE.items():
            slots = vault.slots("phone", phone)
            rows.append(
                {
                    "id": subs[name],
                    "name": name,
                    "phone_sealed": vault.seal("phone", phone),
                    "phone_index": slots.odd,
                    "phone_index_even": slots.even,
                    "phone_masked": mask_phone(phone),
                    "phone_verified_at": now,
                    "status": "active",
                    "version": 1,
                    "registered_at": now,
                }
            )
        await AccountRepository(session).bulk_insert(rows)
        await session.execute(
            insert(Membership),
            [
                {
                    "id": new_id(),
                    "account_id": subs[name],
                    "unit_id": units[code],
                    "is_primary": True,
                    "roles": ["handler"],
                    "posts": [post],
                    "started_at": now,
                }
                for name, (code, post, _) in PEOPLE.items()
            ],
        )
    await app.state.search_indexer.caught_up()
    return subs


@pytest.fixture
async def ask(app: FastAPI, new_browser: NewBrowser, one_line_world: Any, people: dict[str, UUID]) -> Ask:
    """Searches as the administrator of a unit; the names found."""
    phones = {one.unit_code: one.phone for one in one_line_world.people if "unit_admin" in one.roles}
    known: dict[str, tuple[Any, dict[str, str]]] = {}

    async def search(what: str, q: str, *, by: str = "370000", **params: Any) -> Any:
        if by not in known:
            browser = new_browser()
            known[by] = browser, await browser.bearer(phones[by])
        browser, headers = known[by]
        path = f"/api/v1/search/{what}"
        return await browser.http.get(path, headers=headers, params={"q": q, **params})

    return search


async def names(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["name"] for one in answer.json()["items"]]


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("王小", ["王小川", "王小明"]),
        ("小明", ["曾小明", "王小明"]),
        ("zengxm", ["曾小明"]),
        ("cengxiao", ["曾小明"]),
        ("shan", ["单雄信"]),
        ("wxm", ["王小明"]),
        ("王小明 主任", ["王小明"]),
        ("处长", ["单雄信"]),
        ("小明 历下", ["王小明"]),
        ("1111", ["王小明"]),
        ("5555", []),
        ("没有此人", []),
        ("·", []),
    ],
)
async def test_people_are_found_in_the_subtree_by(ask: Ask, q: str, expected: list[str]) -> None:
    assert await names(await ask("people", q)) == expected


async def test_each_administrator_finds_people_of_their_own_subtree(ask: Ask) -> None:
    found = {by: await names(await ask("people", "小明", by=by)) for by in ("100000", "370100", "370102")}
    assert found == {
        "100000": ["曾小明", "王小明", "王小明明"],
        "370100": ["曾小明", "王小明"],
        "370102": ["王小明"],
    }


async def test_who_does_not_read_people_finds_those_of_the_own_unit_without_numbers(
    app: FastAPI, ask: Ask, people: dict[str, UUID]
) -> None:
    async with app.state.database.transaction() as session:
        await session.execute(text("UPDATE roles SET permissions = '{}'"))
    answer = await ask("people", "小明", by="370100")
    assert await names(answer) == ["曾小明"]
    assert answer.json()["items"][0]["phone_masked"] is None
    assert await names(await ask("people", "3333", by="370100")) == []


async def test_a_search_below_a_unit_stays_in_reach(app: FastAPI, ask: Ask) -> None:
    county, centre = await unit_id(app, "370102"), await unit_id(app, "100000")
    assert await names(await ask("people", "小明", unit_id=str(county))) == ["王小明"]
    refused = await ask("people", "小明", unit_id=str(centre))
    assert (refused.status_code, refused.json()["code"]) == (403, "out_of_reach")


async def test_changes_are_found_and_what_is_gone_is_not(
    app: FastAPI, ask: Ask, people: dict[str, UUID]
) -> None:
    sub = people["王小明"]
    async with app.state.database.transaction() as session:
        await session.execute(update(Account).where(Account.id == sub).values(name="欧阳娜"))
    await app.state.search_indexer.caught_up()
    assert await names(await ask("people", "王小明")) == []
    assert await names(await ask("people", "ouyang")) == ["欧阳娜"]
    async with app.state.database.transaction() as session:
        gone = {"ended_at": datetime.now(UTC), "is_primary": False}
        await session.execute(update(Membership).where(Membership.account_id == sub).values(**gone))
    assert await names(await ask("people", "ouyang")) == [], "also before the index is up to date"
    await app.state.search_indexer.caught_up()
    assert await names(await ask("people", "ouyang")) == []


async def test_who_moves_out_of_reach_is_not_found_before_the_index_is_up_to_date(
    app: FastAPI, ask: Ask, people: dict[str, UUID]
) -> None:
    elsewhere = await unit_id(app, "100000")
    async with app.state.database.transaction() as session:
        mine = Membership.account_id == people["王小明"]
        await session.execute(update(Membership).where(mine).values(unit_id=elsewhere))
    assert await names(await ask("people", "小明")) == ["曾小明"]


async def test_people_follow_the_name_of_their_unit(app: FastAPI, ask: Ask) -> None:
    async with app.state.database.transaction() as session:
        await session.execute(update(Unit).where(Unit.code == "370102").values(name="泉城区资助中心"))
    await app.state.search_indexer.caught_up()
    assert await names(await ask("people", "小明 泉城")) == ["王小明"]
    assert await names(await ask("people", "小明 历下")) == []


async def test_pages_of_people_follow_each_other(ask: Ask) -> None:
    """With the names that begin with the query first."""
    seen: list[str] = []
    params: dict[str, Any] = {"limit": 1}
    while True:
        page = (await ask("people", "小明", by="100000", **params)).json()
        seen += [one["name"] for one in page["items"]]
        if page["next"] is None:
            break
        params["cursor"] = page["next"]
    assert seen == ["曾小明", "王小明", "王小明明"]


@pytest.mark.parametrize(
    ("q", "first"),
    [
        ("历下", "历下区"), ("lixia", "历下区"), ("lxq", "历下区"), ("37010", "济南市"),
        ("370102", "历下区"), ("shandong", "山东省"), ("资助", "全国学生资助管理中心"),
    ],
)  # fmt: skip
async def test_units_are_found_by(ask: Ask, q: str, first: str) -> None:
    assert (await names(await ask("units", q, by="370102")))[0].startswith(first)


@pytest.mark.parametrize("walked", [None, 2, 100], ids=["by tokens", "walking in vain", "walking"])
async def test_pages_of_units_follow_each_other_from_the_top(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, walked: int | None
) -> None:
    """In either way."""

    async def parts(
        _: Any, __: Any, ___: Any, alternatives: tuple[frozenset[str], ...], **____: Any
    ) -> list[Part]:
        return [Part(alternatives, walked)]

    monkeypatch.setattr(Frequencies, "parts", parts)
    whole = await ask("units", "中心", limit=100)
    seen, params = [], {"limit": 2}
    while True:
        page = (await ask("units", "中心", **params)).json()
        seen += page["items"]
        if page["next"] is None:
            break
        params["cursor"] = page["next"]
    assert seen == whole.json()["items"]
    assert len(seen) >= 4
    assert next(one["level"] for one in seen) == "ministry"


async def test_a_closed_unit_is_not_found(app: FastAPI, ask: Ask) -> None:
    async with app.state.database.transaction() as session:
        await session.execute(
            text("UPDATE units SET status = 'closed', closed_at = now() WHERE code = '370102'")
        )
    await app.state.search_indexer.caught_up()
    assert await names(await ask("units", "历下")) == []


async def test_units_below_a_unit(app: FastAPI, ask: Ask) -> None:
    city = str(await unit_id(app, "370100"))
    assert len(await names(await ask("units", "资助", within=city))) == 2
    assert len(await names(await ask("units", "37", within=city))) == 2


@pytest.mark.parametrize("cursor", ["WyI5IiwiYSIsImIiXQ", "WyIxIiwiYSJd", "x"])
async def test_a_forged_cursor_is_refused(ask: Ask, cursor: str) -> None:
    for what in ("people", "units"):
        refused = await ask(what, "小明", cursor=cursor)
        assert (refused.status_code, refused.json()["code"]) == (400, "bad_cursor")


@pytest.mark.parametrize("q", ["%", "_", "'", "\\", "^王", "@370000", "#", "王%", "a" * 50, "王" * 50])
async def test_a_strange_query_is_answered(ask: Ask, q: str) -> None:
    for what in ("people", "units"):
        assert (await ask(what, q)).status_code == 200


async def test_no_digit_of_a_number_is_in_the_index_in_clear(app: FastAPI, people: dict[str, UUID]) -> None:
    async with app.state.database.transaction() as session:
        rows = "\n".join(await session.scalars(text("SELECT t::text FROM people_search t")))
    for _, _, phone in PEOPLE.values():
        assert phone not in rows
        assert f"#{phone[-4:]}" not in rows
