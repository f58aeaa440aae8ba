"""Exports of the address book: what is in them, who may make them, and that this is recorded."""

import io
import uuid
import zipfile
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
from sqlalchemy import text

from contracts.identity import PersonChangedV1, PersonMembership
from services.office.tests.support.running_office import RunningOffice
from testkit.waiting import moments

EXPORTS, LOG = "/api/v1/contacts/exports", "/api/v1/export-log"
SUB = uuid.UUID(int=77)
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


async def arrive(office: RunningOffice, code: str, name: str, sub: uuid.UUID | None = None) -> uuid.UUID:
    unit, who = office.world.units[code], sub or uuid.uuid4()
    membership = PersonMembership(
        unit_id=unit["id"], unit_path=unit["path"], roles=[], posts=["主任", "会计"]
    )
    await office.deliver(
        PersonChangedV1(
            sub=who,
            name=name,
            phone_masked="138****1234",
            status="active",
            unit_id=unit["id"],
            unit_path=unit["path"],
            roles=[],
            version=1,
            memberships=(membership,),
        )
    )
    return who


@pytest.fixture
async def office(office: RunningOffice) -> RunningOffice:
    office.world.units["370102"]["duty_phone"] = "0531-12345678"
    await office.replace_units(office.world)
    await arrive(office, "370100", "李处长", SUB)
    await arrive(office, "370102", "=王小明")
    await arrive(office, "S3701020001", "赵老师")
    await arrive(office, "370000", "上级的")
    await office.index()
    return office


def exporter(office: RunningOffice) -> httpx.AsyncClient:
    return office.unit("370100", permissions=["members.read", "files.audit"], sub=str(SUB))


async def fetched(client: httpx.AsyncClient, **body: Any) -> tuple[dict[str, Any], httpx.Response]:
    started = await client.post(EXPORTS, json=body)
    assert started.status_code == 202, started.text
    path = started.headers["location"]
    async for _ in moments(pause=0.1):
        export: dict[str, Any] = (await client.get(path)).json()
        if export["status"] != "running":
            break
    assert export["status"] == "done", export
    return export, await client.get(f"{path}/file")


def sheet_of(file: httpx.Response) -> tuple[list[list[str]], str]:
    """The texts of the rows of the only sheet, and its footer."""
    with zipfile.ZipFile(io.BytesIO(file.content)) as book:
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    rows = [["".join(cell.itertext()) for cell in row] for row in sheet.iter(f"{MAIN}row")]
    return rows, "".join(one.text or "" for one in sheet.iter(f"{MAIN}oddFooter"))


async def test_a_workbook_has_the_people_and_who_made_it(office: RunningOffice) -> None:
    client = exporter(office)
    export, file = await fetched(client, unit_id=office.world.id("370100"), below=True)
    assert (export["rows"], export["name"]) == (3, "通讯录-370100学生资助管理中心.xlsx")
    rows, footer = sheet_of(file)
    assert rows[0][0] == "李处长（370100学生资助管理中心）于 2023-04-27 09:00 导出，仅供工作使用"
    assert rows[1] == ["姓名", "单位", "职务", "手机号", "值班电话"]
    assert rows[2] == ["李处长", "370100学生资助管理中心", "主任、会计", "138****1234"]
    assert rows[3] == ["'=王小明", "370102学生资助管理中心", "主任、会计", "138****1234", "0531-12345678"]
    assert [row[0] for row in rows[4:]] == ["赵老师"]
    assert "李处长" in footer


async def test_cards_have_the_duty_phone_and_who_made_them(office: RunningOffice) -> None:
    export, file = await fetched(exporter(office), unit_id=office.world.id("370102"), format="vcf")
    assert (export["rows"], export["name"][-4:]) == (1, ".vcf")
    assert file.headers["content-type"].startswith("text/vcard")
    unfolded = file.content.decode().replace("\r\n ", "")
    assert unfolded.count("BEGIN:VCARD") == 1
    assert "FN:=王小明\r\n" in unfolded
    assert 'TEL;VALUE=text;TYPE="work,voice":0531-12345678\r\n' in unfolded
    assert "NOTE:李处长（370100学生资助管理中心）于 2023-04-27 09:00 导出" in unfolded
    assert unfolded.count("\r\nTEL") == 1  # no mobile number


async def test_asking_and_fetching_are_recorded(office: RunningOffice) -> None:
    client = exporter(office)
    export, _ = await fetched(client, unit_id=office.world.id("370102"))
    log = (await client.get(LOG)).json()
    assert [(one["action"], one["by"], one["rows"], one["export_id"]) for one in log["items"]] == [
        ("fetched", str(SUB), 1, export["id"]),
        ("asked", str(SUB), 0, export["id"]),
    ]
    assert log["total"] == {"count": 2, "exact": True}
    other = office.unit("370000", permissions=["files.audit"])
    assert (await other.get(LOG)).json()["items"] == []
    refused = await office.unit("370100", permissions=["members.read"]).get(LOG)
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_required")


@pytest.mark.parametrize(
    ("code", "permissions", "expected"),
    [
        ("370100", [], (403, "contacts_hidden")),
        ("370102", ["members.read"], (403, "contacts_hidden")),
        ("370103", ["members.read"], (403, "contacts_hidden")),
        ("320000", ["members.read"], (403, "unit_hidden")),
    ],
)
async def test_only_who_may_read_people_exports_those_of_the_own_unit_and_below(
    office: RunningOffice, code: str, permissions: list[str], expected: tuple[int, str]
) -> None:
    client = office.unit(code, permissions=[*permissions])
    refused = await client.post(EXPORTS, json={"unit_id": office.world.id("370100"), "below": True})
    assert (refused.status_code, refused.json()["code"]) == expected


async def test_an_export_is_bounded(office: RunningOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    from office.contacts import exporting

    monkeypatch.setattr(exporting, "MAX_EXPORTED", 2)
    client = exporter(office)
    refused = await client.post(EXPORTS, json={"unit_id": office.world.id("370100"), "below": True})
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_contacts")
    export, _ = await fetched(client, unit_id=office.world.id("370100"))
    assert export["rows"] == 1


async def test_many_people_are_exported_once_each(
    office: RunningOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    from office.contacts import exporting

    monkeypatch.setattr(exporting, "_PAGE", 3)
    for number in range(10):
        await arrive(office, ("370102", "370103", "S3701020002")[number % 3], f"同名{number % 2}")
    await office.index()
    export, file = await fetched(exporter(office), unit_id=office.world.id("370100"), below=True)
    assert (export["rows"], len(sheet_of(file)[0])) == (13, 15)


async def test_who_has_left_gets_no_file(office: RunningOffice) -> None:
    stranger = office.unit("370100", permissions=["members.read"], sub=str(uuid.uuid4()))
    started = await stranger.post(EXPORTS, json={"unit_id": office.world.id("370100")})
    path = started.headers["location"]
    async for _ in moments(pause=0.1):
        async with office.database.transaction() as session:
            state = await session.scalar(text("SELECT state FROM jobs WHERE kind = 'office.export'"))
        if state == "dead":
            break
    assert state == "dead"
    assert (await stranger.get(f"{path}/file")).json()["code"] == "export_not_ready"


async def test_a_group_is_exported_with_the_people_of_its_units_that_may_be_exported(
    office: RunningOffice,
) -> None:
    picked = await arrive(office, "S3701020001", "钱老师")
    await office.index()
    client = exporter(office)
    members = [
        {"unit_id": office.world.id("370102")},
        {"unit_id": office.world.id("S3701020001"), "sub": str(picked)},
        {"unit_id": office.world.id("370000")},
    ]
    group = await client.post("/api/v1/contact-groups", json={"name": "常用", "members": members})
    assert group.status_code == 201, group.text
    export, file = await fetched(client, group_id=group.json()["id"])
    rows, _ = sheet_of(file)
    # Nobody of a unit above; of the school only who was picked.
    names = [row[0] for row in rows]
    assert names[names.index("姓名") + 1 :] == ["'=王小明", "钱老师"]
    assert export["name"] == "通讯录-常用.xlsx"
    others = office.unit("370100", permissions=["members.read"], sub=str(uuid.uuid4()))
    refused = await others.post(EXPORTS, json={"group_id": group.json()["id"]})
    assert refused.status_code == 404
    for both in ({}, {"group_id": group.json()["id"], "unit_id": office.world.id("370100")}):
        assert (await client.post(EXPORTS, json=both)).status_code == 422
