"""Inviting many people by a table: all errors of a row, codes by SMS for one number each."""

import asyncio
import io
import re
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from filekit.rows import Row
from filekit.xlsx_writer import Column, SheetWriter
from identity.invite_batches import rules
from services.identity.tests.support.people import (
    CITY,
    COUNTY,
    COUNTY_HANDLER,
    NEWCOMER,
    Person,
    SignIn,
    registered,
    unit_of,
)
from services.identity.tests.support.running_identity import NewBrowser
from testkit.postgres import Migration

GOOD = [
    ["手机号*", "姓名*", "角色*", "职务"],
    [NEWCOMER, "王小明", "经办人、审核人", "科员"],
    ["13912345678", "阿依古丽·买买提", "handler", ""],
    [COUNTY_HANDLER, "马明瑶", "经办人", ""],
]
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


async def until_done(by: Person, batch_id: str) -> dict[str, Any]:
    async with asyncio.timeout(30):
        while True:
            found: dict[str, Any] = await by.ok("GET", f"/invite-batches/{batch_id}")
            if found["status"] == "done":
                return found
            await asyncio.sleep(0.05)


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


def test_roles_are_written_as_labels_or_words_and_separated_in_any_usual_way() -> None:
    columns = rules.heading_of(["姓名", " 手机号＊", "角色（可多选）".replace("（可多选）", ""), "职务"])
    assert columns == {"姓名": 0, "手机号": 1, "角色": 2, "职务": 3}
    person = rules.person_of(
        Row(2, ["王小明", "1", "经办人，审核人/approver 经办人", "主任；科员"], []), columns
    )
    assert (person.roles, person.posts) == (["handler", "reviewer", "approver"], ["主任", "科员"])
    assert person.errors == []
