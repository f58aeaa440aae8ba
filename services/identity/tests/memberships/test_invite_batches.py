"""Inviting many people by a table: all errors of a row, codes by SMS for one number each."""

import asyncio
import io
import re
from datetime import date
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from filekit.rows import Row
from filekit.xlsx_writer import Column, SheetWriter
from identity.invite_batches import jobs, rules
from services.identity.tests.support.people import (
    CITY,
    COUNTY,
    COUNTY_HANDLER,
    NEWCOMER,
    Person,
    SignIn,
    platform_administrator,
    registered,
    unit_of,
)
from services.identity.tests.support.running_identity import NewBrowser
from services.identity.tests.support.workbooks import large, with_macros, workbook
from testkit.postgres import Migration

GOOD = [
    ["手机号*", "姓名*", "角色*", "职务"],
    [NEWCOMER, "王小明", "经办人、审核人", "科员"],
    ["13912345678", "阿依古丽·买买提", "handler", ""],
    [COUNTY_HANDLER, "马明瑶", "经办人", ""],
]
PEOPLE = [GOOD[0], *([f"1391234567{number}", "王小明", "approver", ""] for number in range(6))]
WRONG = [
    ["010-66097980", "X", "局长", "一、二、三、四、五、六"],
    ["", "李四", "", ""],
    [NEWCOMER, "张三", "经办人", ""],
]


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


def csv_of(rows: list[list[str]], encoding: str = "utf-8-sig") -> bytes:
    return "\r\n".join(",".join(row) for row in rows).encode(encoding)


def xlsx_of(rows: list[list[str]]) -> bytes:
    file = io.BytesIO()
    writer = SheetWriter(file, "名单", [Column(heading) for heading in rows[0]])
    writer.write(rows[1:])
    writer.close()
    return file.getvalue()


async def upload(app: FastAPI, by: Person, content: bytes, **more: str) -> Any:
    unit = str(await unit_of(app, "370102"))
    parameters = {"unit_id": unit, "file_name": "名单"} | more
    return await by.call("POST", "/invite-batches", params=parameters, content=content)


async def until(by: Person, batch_id: str, *states: str) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while True:
            found: dict[str, Any] = await by.ok("GET", f"/invite-batches/{batch_id}")
            if found["status"] in states:
                return found
            await asyncio.sleep(0.05)


async def until_done(by: Person, batch_id: str) -> dict[str, Any]:
    return await until(by, batch_id, "done")


@pytest.mark.parametrize("content", [csv_of(GOOD), csv_of(GOOD, "gb18030"), xlsx_of(GOOD)])
async def test_everybody_in_a_table_gets_a_code_that_only_their_number_can_use(
    app: FastAPI, sign_in: SignIn, new_browser: NewBrowser, content: bytes
) -> None:
    admin = await sign_in(COUNTY)
    answer = await upload(app, admin, content)
    assert answer.status_code == 201, answer.text
    batch = answer.json()
    assert (batch["status"], batch["total"], batch["wrong"]) == ("checked", 3, 0)
    assert not [m for m in app.state.sms.messages if "邀请码" in m.text]
    await admin.ok("POST", f"/invite-batches/{batch['id']}/send")
    assert await admin.code("POST", f"/invite-batches/{batch['id']}/send") == (
        409,
        "invite_batch_not_ready",
    )
    done = await until_done(admin, batch["id"])
    # Who belongs to the unit is not invited again.
    assert (done["sent"], done["refused"]) == (2, 1)
    rows = (await admin.ok("GET", f"/invite-batches/{batch['id']}/rows"))["items"]
    assert [row["result"] for row in rows] == ["sent", "sent", "refused"]
    assert rows[0]["phone_masked"] == "138****5678"
    assert rows[0]["roles"] == ["handler", "reviewer"]

    await app.state.sms_dispatcher.caught_up()
    (message,) = [m.text for m in app.state.sms.messages if m.phone == NEWCOMER and "邀请码" in m.text]
    found = re.search(r"[0-9A-Z]{4}(-[0-9A-Z]{4}){3}", message)
    assert found is not None
    code = {"invite_code": found.group()}
    stranger = await registered(new_browser(), "13712345678", "赵六六")
    assert await stranger.code("POST", "/join-requests", json=code) == (400, "invite_invalid")
    invited = await registered(new_browser(), NEWCOMER)
    asked = await invited.ok("POST", "/join-requests", json=code)
    assert (asked["roles"], asked["posts"]) == (["handler", "reviewer"], ["科员"])


async def test_an_administrator_of_the_platform_in_a_table_is_invited_like_others_and_joins_nothing(
    app: FastAPI, sign_in: SignIn, new_browser: NewBrowser
) -> None:
    """三员分立. A unit does not learn from a table who they are."""
    security = await platform_administrator(app, new_browser(), "security_admin")
    admin = await sign_in(COUNTY)
    batch = (await upload(app, admin, csv_of([GOOD[0], [security.phone, "卫宁", "经办人", ""]]))).json()
    await admin.ok("POST", f"/invite-batches/{batch['id']}/send")
    assert (await until_done(admin, batch["id"]))["sent"] == 1
    await app.state.sms_dispatcher.caught_up()
    (message,) = [m.text for m in app.state.sms.messages if m.phone == security.phone and "邀请码" in m.text]
    found = re.search(r"[0-9A-Z]{4}(-[0-9A-Z]{4}){3}", message)
    assert found is not None
    refused = await security.code("POST", "/join-requests", json={"invite_code": found.group()})
    assert refused == (409, "no_unit_for_administrators")
    assert (await security.ok("GET", "/me"))["memberships"] == []


async def test_all_errors_of_a_row_are_told_and_the_failed_rows_downloaded(
    app: FastAPI, sign_in: SignIn
) -> None:
    admin = await sign_in(COUNTY)
    batch = (await upload(app, admin, csv_of(GOOD[:2] + WRONG))).json()
    assert (batch["total"], batch["wrong"]) == (4, 3)
    path = f"/invite-batches/{batch['id']}"
    wrong = (await admin.ok("GET", f"{path}/rows", params={"result": "wrong"}))["items"]
    assert [row["number"] for row in wrong] == [3, 4, 5]
    assert [error.partition("：")[0] for error in wrong[0]["errors"]] == ["角色", "职务", "手机号", "姓名"]
    assert wrong[1]["errors"] == ["手机号：不能为空", "角色：不能为空"]
    assert wrong[2]["errors"] == ["手机号：与第 2 行重复"]
    file = await admin.call("GET", f"{path}/failed-rows")
    assert file.status_code == 200
    # It can be uploaded again.
    again = (await upload(app, admin, file.content)).json()
    assert (again["total"], again["wrong"]) == (3, 2)
    only = (await upload(app, admin, csv_of([GOOD[0], *WRONG[:2]]))).json()
    assert await admin.code("POST", f"/invite-batches/{only['id']}/send") == (409, "nobody_to_invite")
    # No number is readable in the database.
    async with app.state.database.transaction() as session:
        dump = await session.scalar(text("SELECT string_agg(r::text, '') FROM invite_batch_rows r"))
    assert NEWCOMER not in dump


async def test_a_file_that_is_no_such_table_is_refused(app: FastAPI, sign_in: SignIn) -> None:
    admin = await sign_in(COUNTY)

    async def refusal(content: bytes) -> str:
        return str((await upload(app, admin, content)).json()["code"])

    assert await refusal(csv_of([["电话", "名字"], ["1", "2"]])) == "table_unreadable"
    assert await refusal(csv_of(GOOD[:1])) == "table_unreadable"
    assert await refusal(b"%PDF-1.7\n%\xe2\xe3") == "unsupported_file_type"
    many = [GOOD[0], *([NEWCOMER, "王小明", "经办人", ""] for _ in range(rules.MOST_ROWS + 1))]
    assert await refusal(csv_of(many)) == "too_many_rows"


async def test_what_a_spreadsheet_has_made_of_a_cell_is_told_row_by_row(
    app: FastAPI, sign_in: SignIn
) -> None:
    def fill(book: Any, notes: Any) -> None:
        notes.write(0, 0, "填表说明")
        sheet = book.add_worksheet("名单")
        sheet.write(0, 0, "2026 年新进人员")
        for number, line in enumerate([GOOD[0], GOOD[1], *PEOPLE[1:5], PEOPLE[5], PEOPLE[6]], start=1):
            for position, cell in enumerate(line):
                sheet.write_string(number, position + 1, cell)
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_formula(2, 2, '="王"&"小明"', None, "王小明")
        sheet.write_number(3, 1, 13_912_345_670)
        sheet.write_datetime(4, 1, date(2026, 9, 1), day)
        sheet.write_formula(5, 2, "=1/0", None, "#DIV/0!")
        sheet.merge_range(7, 3, 8, 3, "经办人")

    batch = (await upload(app, await sign_in(COUNTY), workbook(fill))).json()
    assert (batch["total"], batch["wrong"]) == (7, 4)
    admin = await sign_in(COUNTY)
    rows = (await admin.ok("GET", f"/invite-batches/{batch['id']}/rows"))["items"]
    errors = {row["number"]: row["errors"] for row in rows if row["errors"]}
    merged = "该行有合并的单元格，请取消合并后逐行填写"
    assert errors == {
        5: ["“手机号”被识别为日期，请设为文本格式后重新填写"],
        6: ["“姓名”的公式有错误"],
        8: [merged],
        9: [merged],
    }
    assert rows[0]["name"] == "王小明"
    assert (rows[1]["phone_masked"], rows[1]["result"]) == ("139****5670", "waiting")


async def test_a_workbook_of_300000_people_with_macros_or_without_the_table_is_refused(
    app: FastAPI, sign_in: SignIn
) -> None:
    admin = await sign_in(COUNTY)

    async def refusal(content: bytes) -> tuple[int, str]:
        answer = await upload(app, admin, content)
        return answer.status_code, str(answer.json()["code"])

    people = ([NEWCOMER, "王小明", "经办人", ""] for _ in range(300_000))
    assert await refusal(large(GOOD[0], people)) == (400, "too_many_rows")
    assert await refusal(with_macros(xlsx_of(GOOD))) == (415, "macro_workbook")
    other = workbook(lambda _, sheet: sheet.write(0, 0, "学校名录"))
    assert (await refusal(other))[0] == 400
    old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 100
    assert await refusal(old) == (415, "old_workbook")
    assert await refusal(old + "EncryptedPackage".encode("utf-16-le")) == (415, "encrypted_workbook")
    wide = workbook(lambda _, sheet: sheet.write(1_048_575, 16_383, "x"))
    assert (await refusal(wide))[0] == 400


async def test_a_batch_is_limited_to_reach_and_to_roles_that_one_may_grant(
    app: FastAPI, sign_in: SignIn
) -> None:
    admin, city = await sign_in(COUNTY), await sign_in(CITY)
    above = str(await unit_of(app, "370100"))
    refused = await upload(app, admin, csv_of(GOOD), unit_id=above)
    assert (refused.status_code, refused.json()["code"]) == (403, "out_of_reach")
    batch = (await upload(app, city, csv_of(GOOD), unit_id=above)).json()
    for method, path in (("GET", ""), ("GET", "/rows"), ("GET", "/failed-rows"), ("POST", "/send")):
        answer = await admin.code(method, f"/invite-batches/{batch['id']}{path}")
        assert answer == (403, "out_of_reach")
    cancelled = await city.ok("POST", f"/invite-batches/{batch['id']}/cancel")
    assert cancelled["status"] == "cancelled"
    assert [one["id"] for one in (await city.ok("GET", f"/units/{above}/invite-batches"))["items"]] == [
        batch["id"]
    ]


async def results(by: Person, batch_id: str) -> list[tuple[str, list[str]]]:
    rows = (await by.ok("GET", f"/invite-batches/{batch_id}/rows"))["items"]
    return [(row["result"], row["errors"]) for row in rows]


@pytest.mark.parametrize("lost", ["role", "membership", "grant"])
async def test_whoever_loses_the_right_to_invite_meanwhile_invites_nobody_else(
    app: FastAPI, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    monkeypatch.setattr(jobs, "BATCH", 2)
    admin = await sign_in(COUNTY)
    sub = await admin.sub()
    batch = (await upload(app, admin, csv_of(PEOPLE))).json()
    take = jobs.Sending._take

    async def then_lose(self: Any, session: AsyncSession, *more: Any) -> Any:
        """After the first two, in the same transaction."""
        taken = await take(self, session, *more)
        statement = {
            "role": "UPDATE memberships SET roles = '{handler}' WHERE account_id = CAST(:sub AS uuid)",
            "membership": "UPDATE memberships SET ended_at = now(), is_primary = false"
            " WHERE account_id = CAST(:sub AS uuid)",
            "grant": "WITH fewer AS (UPDATE memberships SET roles = '{unit_admin}'"
            " WHERE account_id = CAST(:sub AS uuid))"
            " UPDATE roles SET may_grant = '{}' WHERE code = 'unit_admin'",
        }[lost]
        await session.execute(text(statement), {"sub": sub})
        return taken

    monkeypatch.setattr(jobs.Sending, "_take", then_lose)
    await admin.ok("POST", f"/invite-batches/{batch['id']}/send")
    city = await sign_in(CITY)
    done = await until_done(city, batch["id"])
    assert (done["sent"], done["refused"]) == (2, 4)
    reason = (
        "角色：确认发送的管理员已不能授予其中的角色"
        if lost == "grant"
        else "确认发送的管理员已不再有权为该单位邀请人员"
    )
    assert await results(city, batch["id"]) == [("sent", [])] * 2 + [("refused", [reason])] * 4


async def test_what_exceeds_the_budget_of_a_day_waits_for_the_next_one(
    app: FastAPI, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.state.settings, "invite_budget_per_unit", 4)
    monkeypatch.setattr(jobs, "BATCH", 3)
    admin = await sign_in(COUNTY)
    batch = (await upload(app, admin, csv_of(PEOPLE))).json()
    path = f"/invite-batches/{batch['id']}"
    await admin.ok("POST", f"{path}/send")
    paused = await until(admin, batch["id"], "paused")
    assert (paused["sent"], paused["postponed"], paused["finished_at"]) == (4, 2, None)
    reason = "本单位今日的邀请短信已达上限（4 条），可于次日继续发送"
    assert await results(admin, batch["id"]) == [("sent", [])] * 4 + [("postponed", [reason])] * 2
    listed = await admin.ok("GET", f"{path}/rows", params={"result": "postponed"})
    assert len(listed["items"]) == 2
    # On the same day, nothing more is sent.
    await admin.ok("POST", f"{path}/send")
    again = await until(admin, batch["id"], "paused")
    assert (again["sent"], again["postponed"]) == (4, 2)
    async with app.state.database.transaction() as session:
        await session.execute(text("UPDATE invite_budgets SET day = day - 1"))
    await admin.ok("POST", f"{path}/send")
    done = await until_done(admin, batch["id"])
    assert (done["sent"], done["postponed"]) == (6, 0)
    assert await results(admin, batch["id"]) == [("sent", [])] * 6
    await app.state.sms_dispatcher.caught_up()
    assert sorted(m.phone for m in app.state.sms.messages if "邀请码" in m.text) == [
        row[0] for row in PEOPLE[1:]
    ]


async def test_the_budget_of_all_units_holds_exactly_for_jobs_at_once(
    app: FastAPI, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.state.settings, "invite_budget_total", 7)
    monkeypatch.setattr(jobs, "BATCH", 1)
    city = await sign_in(CITY)
    batches = [
        (await upload(app, city, csv_of(PEOPLE), unit_id=str(await unit_of(app, code)))).json()["id"]
        for code in ("370100", "370102")
    ]
    await asyncio.gather(*(city.ok("POST", f"/invite-batches/{one}/send") for one in batches))
    ended = [await until(city, one, "paused", "done") for one in batches]
    assert (sum(one["sent"] for one in ended), sum(one["postponed"] for one in ended)) == (7, 5)
    async with app.state.database.transaction() as session:
        used = await session.execute(text("SELECT scope = 'total', sum(used) FROM invite_budgets GROUP BY 1"))
        assert dict(used.all()) == {True: 7, False: 7}
    postponed = next(one for one in ended if one["postponed"])
    assert ("postponed", ["全国今日的邀请短信已达上限，可于次日继续发送"]) in await results(
        city, postponed["id"]
    )
    cancelled = await city.ok("POST", f"/invite-batches/{postponed['id']}/cancel")
    assert cancelled["status"] == "cancelled"


def test_roles_are_written_as_labels_or_words_and_separated_in_any_usual_way() -> None:
    columns = rules.heading_of(["姓名", " 手机号＊", "角色（可多选）".replace("（可多选）", ""), "职务"])
    assert columns == {"姓名": 0, "手机号": 1, "角色": 2, "职务": 3}
    person = rules.person_of(
        Row(2, ["王小明", "1", "经办人，审核人/approver 经办人", "主任；科员"], []), columns
    )
    assert (person.roles, person.posts) == (["handler", "reviewer", "approver"], ["主任", "科员"])
    assert person.errors == []
