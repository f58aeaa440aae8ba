"""Importing and exporting tables through the API, with jobs, to the end."""

import io
import itertools
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, text

from contracts.vocabulary import Kind, Level
from filekit.xlsx_rows import XlsxRows
from identity.unit_imports import jobs, kinds, repository
from identity.unit_imports.models import UnitFile, UnitImportRow
from identity.unit_imports.rules import HEADINGS
from identity.units.rules import may_stand_below
from services.identity.tests.support.running_identity import Browser, NewBrowser
from services.identity.tests.support.workbooks import Line, sheet_of, with_macros, workbook
from testkit.clock import FrozenClock
from testkit.postgres import Migration
from testkit.waiting import moments

CENTRE_ADMIN = "19900000001"
COUNTY_ADMIN = "19900001323"  # 历下区 370102
COUNTY = "370102"


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


def school(number: int, parent: str = COUNTY, **changes: str | None) -> list[str | None]:
    values: dict[str, str | None] = {
        "code": f"S370102{number:04d}",
        "parent": parent,
        "name": f"济南市历下区第{number}小学",
        "short_name": f"第{number}小学",
        "level": "学校",
        "kind": "学校",
        "stages": "义务教育",
        "region_code": "370102",
        "duty_phone": None,
        "address": None,
    }
    return list({**values, **changes}.values())


def csv_of(*lines: Line, headings: Line = HEADINGS) -> bytes:
    return "\n".join(",".join(cell or "" for cell in line) for line in (headings, *lines)).encode()


def rows_of(content: bytes) -> list[list[str]]:
    """The rows of the only sheet of a workbook."""
    rows = XlsxRows(io.BytesIO(content), lambda _: True)
    found: list[list[str]] = []
    while not rows.ended:
        found += [row.fields for row in rows.step()]
    rows.close()
    return found


def xlsx_of(*lines: Line) -> bytes:
    return sheet_of((HEADINGS, *lines))


@dataclass
class Importer:
    """An administrator who imports files, and the worker."""

    app: FastAPI
    browser: Browser
    headers: dict[str, str]
    clock: FrozenClock
    kinds: tuple[str, ...] = field(default=(kinds.CHECK.name, kinds.APPLY.name, kinds.EXPORT.name))

    async def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {**self.headers, **more.pop("headers", {})}
        return await self.browser.http.request(method, f"/api/v1{path}", headers=headers, **more)

    async def upload(self, content: bytes, name: str = "学校.csv", **about: str) -> httpx.Response:
        params = {"file_name": name, "reason": "年度核对", **about}
        return await self.call("POST", "/unit-imports", content=content, params=params)

    async def done(self, id_: str, *, path: str = "unit-imports") -> Any:
        """Wait until no step of the import runs."""
        async for _ in moments():
            found = (await self.call("GET", f"/{path}/{id_}")).json()
            if found["status"] not in ("checking", "applying", "running"):
                return found
        raise AssertionError(found)

    async def checked(self, content: bytes, **about: str) -> Any:
        answer = await self.upload(content, **about)
        assert answer.status_code == 202, answer.text
        return await self.done(answer.json()["id"])

    async def imported(self, content: bytes, **body: Any) -> Any:
        checked = await self.checked(content)
        answer = await self.call("POST", f"/unit-imports/{checked['id']}/apply", json=body)
        assert answer.status_code == 202, (answer.text, await self.errors(checked["id"]))
        return await self.done(checked["id"])

    async def errors(self, id_: str) -> dict[int, list[str]]:
        page = await self.call("GET", f"/unit-imports/{id_}/rows", params={"limit": 1000})
        assert page.status_code == 200, page.text
        return {row["number"]: row["errors"] for row in page.json()["items"] if row["errors"]}

    async def unit(self, code: str) -> Any:
        return (await self.call("GET", f"/units/by-code/{code}")).json()

    async def refresh(self, phone: str) -> None:
        self.headers = await self.browser.bearer(phone)


@pytest.fixture
async def county(app: FastAPI, new_browser: NewBrowser, clock: FrozenClock) -> Importer:
    browser = new_browser()
    return Importer(app, browser, await browser.bearer(COUNTY_ADMIN), clock)


@pytest.fixture
async def centre(app: FastAPI, new_browser: NewBrowser, clock: FrozenClock) -> Importer:
    browser = new_browser()
    return Importer(app, browser, await browser.bearer(CENTRE_ADMIN), clock)


def counts(found: Any) -> dict[str, int]:
    return {name: found[name] for name in ("total", "new", "changed", "unchanged", "wrong") if found[name]}


async def test_a_file_is_checked_first_and_imported_when_confirmed(county: Importer) -> None:
    content = csv_of(
        school(9001), school(9002), school(9003, "S3701029001", level="院系／中心校", kind="院系／中心校")
    )
    found = await county.checked(content)
    assert (found["status"], counts(found)) == ("checked", {"total": 3, "new": 3})
    assert (await county.call("GET", "/units/by-code/S3701029001")).status_code == 404
    answer = await county.call("POST", f"/unit-imports/{found['id']}/apply", json={})
    assert answer.status_code == 202
    done = await county.done(found["id"])
    assert (done["status"], done["applied"], done["refused"]) == ("done", 3, 0)
    below = await county.unit("S3701029003")
    assert below["path"].endswith(".370102.S3701029001.S3701029003")
    history = (await county.call("GET", f"/units/{below['id']}/history")).json()["items"]
    assert [(row["change"], row["reason"]) for row in history] == [("opened", "年度核对")]
    again = await county.checked(content)
    assert counts(again) == {"total": 3, "unchanged": 3}
    nothing = await county.call("POST", f"/unit-imports/{again['id']}/apply", json={})
    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing_to_import")


async def test_an_excel_file_changes_renames_and_moves_units_by_their_codes(
    county: Importer, app: FastAPI
) -> None:
    await county.imported(xlsx_of(school(9001), school(9002)))
    async with app.state.database.transaction() as session:
        await session.execute(text("DELETE FROM outbox"))
    changed = xlsx_of(
        school(9001, name="济南市历下区实验小学", short_name=None, duty_phone="0531-86012345"),
        school(9002, "S3701029001", level="学校"),
        school(9003, level="院系／中心校", kind="院系／中心校"),
    )
    found = await county.checked(changed)
    assert await county.errors(found["id"]) == {3: ["“层级”必须低于上级单位 S3701029001"]}
    assert counts(found) == {"total": 3, "new": 1, "changed": 1, "wrong": 1}
    refused = await county.call("POST", f"/unit-imports/{found['id']}/apply", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "rows_are_wrong")
    await county.call("POST", f"/unit-imports/{found['id']}/apply", json={"skip_wrong": True})
    await county.done(found["id"])
    one = await county.unit("S3701029001")
    assert (one["name"], one["short_name"], one["duty_phone"], one["version"]) == (
        "济南市历下区实验小学",
        "第9001小学",
        "0531-86012345",
        2,
    )
    moved = await county.imported(
        xlsx_of(school(9003, "S3701029002", level="院系／中心校", kind="院系／中心校"))
    )
    assert (moved["applied"], moved["refused"]) == (1, 0)
    three = await county.unit("S3701029003")
    assert three["path"].endswith(".S3701029002.S3701029003")
    history = (await county.call("GET", f"/units/{three['id']}/history")).json()["items"]
    assert [row["change"] for row in history] == ["moved", "opened"]


async def test_every_row_says_all_that_is_wrong_and_the_failed_rows_can_be_sent_again(
    county: Importer,
) -> None:
    content = csv_of(
        school(9001),
        school(9001, name="重"),
        school(9002, "S9999"),
        school(9003, "370000"),
        school(9004, "S3701029002"),
        school(9005, "S3701029006"),
        school(9006, "S3701029005"),
        ["370102", "370000", "改名", None, "市", "学校", "义务教育", None, None, "=cmd"],
    )
    found = await county.checked(content)
    errors = await county.errors(found["id"])
    assert errors[2] == ["“单位代码”与第 3 行重复"]
    assert errors[3] == ["“单位名称”须为 2 至 100 个字", "“单位代码”与第 2 行重复"]
    assert errors[4] == ["上级单位 S9999 不存在，文件中也没有"]
    assert errors[5] == ["上级单位 370000 不在管辖范围内"]
    assert errors[6] == ["“层级”必须低于上级单位 S3701029002", "上级单位所在的第 4 行有错误"]
    assert errors[7] == ["“层级”必须低于上级单位 S3701029006", "上级单位的关系成循环，或超过 20 层"]
    assert errors[9] == [
        "已有单位的“层级”不能变更",
        "已有单位的“类别”不能变更",
        "本单位的隶属关系由上级单位的管理员变更",
        "上级单位 370000 不在管辖范围内",
    ]
    assert counts(found) == {"total": 8, "wrong": 8}
    file = await county.call("GET", f"/unit-imports/{found['id']}/failed-rows")
    assert file.status_code == 200, file.text
    rows = rows_of(file.content)
    assert rows[0] == [*HEADINGS, "原因", "行号"]
    assert rows[3][-2:] == ["上级单位 S9999 不存在，文件中也没有", "4"]
    assert rows[-1][9] == "'=cmd"
    again = await county.checked(file.content)
    assert again["total"] == 8
    assert (await county.errors(again["id"]))[9] == errors[9]


async def test_a_circle_of_new_units_is_found(county: Importer) -> None:
    def office(code: str, parent: str) -> list[str | None]:
        return school(1, parent, code=code, level="县", kind="营养改善计划办公室")

    found = await county.checked(csv_of(office("N3701021", "N3701022"), office("N3701022", "N3701021")))
    assert set(map(tuple, (await county.errors(found["id"])).values())) == {
        ("上级单位的关系成循环，或超过 20 层",)
    }


async def test_a_row_is_right_where_the_rules_let_its_unit_stand(centre: Importer) -> None:
    """The check in SQL says the same as `may_stand_below`."""
    department = school(9002, "S3701029001", level="院系／中心校", kind="院系／中心校")
    await centre.imported(csv_of(school(9001), department))
    parents = dict(
        zip(Level, ("100000", "370000", "370100", "370102", "S3701029001", "S3701029002"), strict=True)
    )
    cases = [
        (parent, level, kind)
        for parent, level, kind in itertools.product(Level, Level, (Kind.SCHOOL, Kind.NUTRITION))
    ]
    rows = [
        school(number, parents[parent], code=f"X{number:04d}", level=level.label, kind=kind.label)
        for number, (parent, level, kind) in enumerate(cases)
    ]
    found = await centre.checked(csv_of(*rows))
    wrong = {number - 2 for number in await centre.errors(found["id"])}
    assert wrong == {n for n, case in enumerate(cases) if not may_stand_below(*case)}


async def test_new_units_stand_on_twenty_levels_at_most(centre: Importer) -> None:
    rows = [
        school(n, f"X{n - 1:04d}" if n else COUNTY, code=f"X{n:04d}", level="县", kind="营养改善计划办公室")
        for n in range(25)
    ]
    found = await centre.checked(csv_of(*reversed(rows)))
    assert counts(found) == {"total": 25, "new": 20, "wrong": 5}


async def test_many_moves_are_applied_a_few_at_a_time(
    county: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "MOST_MOVES", 2)
    lower = {"level": "院系／中心校", "kind": "院系／中心校"}
    await county.imported(csv_of(school(9000), *(school(9001 + n, **lower) for n in range(5))))
    moved = await county.imported(csv_of(*(school(9001 + n, "S3701029000", **lower) for n in range(5))))
    assert (moved["applied"], moved["refused"]) == (5, 0)
    assert (await county.unit("S3701029005"))["path"].endswith("S3701029000.S3701029005")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,b\n1,2\n", "前 10 行中没有表头"),
        (csv_of(headings=HEADINGS), "表头之下没有数据"),
        (csv_of(["1"], headings=["单位代码", "单位名称"]), "表头缺少列：上级单位代码、层级、类别、学段"),
        (csv_of(school(1)) + b'\n"' + b"x" * 200_000, "不是有效的 CSV"),
        (workbook(lambda _, sheet: sheet.write(0, 0, "学校名录")), "没有工作表在前 10 行中有表头"),
        (workbook(lambda _, sheet: sheet.write(1_048_575, 16_383, "x")), "超过 256 列"),
        (csv_of(school(1), headings=[*HEADINGS[:-1], "单位代码"]), "表头中的列重复：单位代码"),
        (csv_of(school(1)).decode().encode("utf-16"), "UTF-16"),
        (csv_of(school(1)) + b"a" * 70_000 + b"\xff\xff\n", "既不是 UTF-8 编码，也不是 GB18030"),
    ],
)
async def test_a_file_that_is_no_table_of_units_is_refused_as_a_whole(
    county: Importer, content: bytes, message: str
) -> None:
    found = await county.checked(content)
    assert found["status"] == "failed"
    assert message in found["problem"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
async def test_every_common_encoding_is_read(county: Importer, encoding: str) -> None:
    content = csv_of(school(9001)).decode().encode(encoding)
    assert counts(await county.checked(content)) == {"total": 1, "new": 1}


async def test_types_other_than_a_workbook_without_macros_or_text_are_refused(county: Importer) -> None:
    old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 100
    for content, code in (
        (with_macros(xlsx_of(school(9001))), "macro_workbook"),
        (old, "old_workbook"),
        (old + "EncryptedPackage".encode("utf-16-le"), "encrypted_workbook"),
        (b"%PDF-1.7\n", "unsupported_file_type"),
    ):
        answer = await county.upload(content, "学校.xlsm")
        assert (answer.status_code, answer.json()["code"]) == (415, code)


async def test_merged_cells_formulas_dates_other_sheets_and_blank_lines_are_handled(county: Importer) -> None:
    def fill(book: Any, first: Any) -> None:
        first.write(0, 0, "填表说明")
        sheet = book.add_worksheet("数据")
        sheet.write(0, 0, "2026 年学校名录")
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for number, line in enumerate([HEADINGS, school(9001), school(9002), [], school(9004)], start=2):
            for position, cell in enumerate(line):
                sheet.write_string(number, position + 1, cell or "")
        sheet.write_formula(3, 3, '="济南市历下区"&"第一小学"', None, "济南市历下区第一小学")
        sheet.write_datetime(4, 8, date(2026, 9, 1), day)
        sheet.merge_range(6, 3, 7, 3, "济南市历下区第四小学")

    found = await county.checked(workbook(fill))
    assert await county.errors(found["id"]) == {
        5: ["“行政区划代码”被识别为日期，请设为文本格式后重新填写"],
        7: ["该行有合并的单元格，请取消合并后逐行填写"],
    }
    assert counts(found) == {"total": 3, "new": 1, "wrong": 2}
    rows = (await county.call("GET", f"/unit-imports/{found['id']}/rows")).json()["items"]
    assert rows[0]["name"] == "济南市历下区第一小学"


@pytest.mark.parametrize("format_", ["xlsx", "csv"])
async def test_an_export_imports_as_unchanged(county: Importer, format_: str) -> None:
    await county.imported(
        csv_of(school(9001, address="-1 号"), school(9002, stages="普通高中、义务教育", duty_phone="12345"))
    )
    unit = await county.unit(COUNTY)
    answer = await county.call("POST", "/unit-exports", json={"unit_id": unit["id"], "format": format_})
    assert answer.status_code == 202, answer.text
    done = await county.done(answer.json()["id"], path="unit-exports")
    assert (done["status"], done["total"]) == ("done", 3)
    file = await county.call("GET", f"/unit-exports/{done['id']}/file")
    assert file.headers["content-disposition"].startswith(f'attachment; filename="units.{format_}"')
    assert len(file.content) == done["file_size"]
    found = await county.checked(file.content)
    assert await county.errors(found["id"]) == {}
    assert counts(found) == {"total": 3, "unchanged": 3}


async def test_an_import_that_is_cancelled_keeps_what_it_has_imported_and_nobody_else_sees_it(
    county: Importer, new_browser: NewBrowser
) -> None:
    found = await county.checked(csv_of(school(9001)))
    cancelled = await county.call("POST", f"/unit-imports/{found['id']}/cancel")
    assert cancelled.json()["status"] == "cancelled"
    late = await county.call("POST", f"/unit-imports/{found['id']}/apply", json={})
    assert (late.status_code, late.json()["code"]) == (409, "unit_import_not_ready")
    handler = new_browser()
    other = await handler.bearer("19900001324")
    assert (await handler.http.get("/api/v1/unit-imports", headers=other)).status_code == 403
    assert [one["id"] for one in (await county.call("GET", "/unit-imports")).json()["items"]] == [found["id"]]


async def test_what_changed_after_the_check_is_refused_row_by_row(county: Importer) -> None:
    await county.imported(csv_of(school(9001), school(9002)))
    found = await county.checked(
        csv_of(school(9001, name="济南市历下区甲小学"), school(9002, name="济南市历下区乙小学"))
    )
    unit = await county.unit("S3701029001")
    renamed = await county.call(
        "POST",
        f"/units/{unit['id']}/rename",
        headers={"If-Match": "*"},
        json={"name": "济南市历下区丙小学", "reason": "更名"},
    )
    assert renamed.status_code == 200, renamed.text
    await county.call("POST", f"/unit-imports/{found['id']}/apply", json={})
    done = await county.done(found["id"])
    assert (done["applied"], done["refused"]) == (1, 1)
    assert await county.errors(found["id"]) == {2: ["校验之后该单位或其上级单位已有变更，请重新上传这一行"]}
    assert (await county.unit("S3701029001"))["name"] == "济南市历下区丙小学"


async def test_old_imports_are_deleted_with_their_rows_and_files(county: Importer, app: FastAPI) -> None:
    await county.checked(csv_of(school(9001)))
    county.clock.advance(jobs.KEEP * 2)
    await jobs.pruning(app.state.database, county.clock).call()
    async with app.state.database.transaction() as session:
        for table in (UnitFile, UnitImportRow):
            assert await session.scalar(select(func.count()).select_from(table)) == 0


async def test_the_template_is_a_file_that_can_be_imported(county: Importer) -> None:
    file = await county.call("GET", "/unit-imports/template")
    assert counts(await county.checked(file.content)) == {"total": 1, "new": 1}
