"""Who may import and export what, when it counts; dates; what is done about jobs that are gone."""

import csv
import io
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from identity.base import job_queue
from identity.unit_imports import jobs, service
from identity.unit_imports.jobs import NO_LONGER_ALLOWED, Importing
from identity.unit_imports.kinds import EXPORT
from services.identity.tests.support.running_identity import NewBrowser
from testkit.clock import FrozenClock
from testkit.postgres import Migration

from .test_import_files import COUNTY, COUNTY_ADMIN, Importer, counts, csv_of, rows_of, school


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


@pytest.fixture
async def county(app: FastAPI, new_browser: NewBrowser, clock: FrozenClock) -> Importer:
    browser = new_browser()
    return Importer(app, browser, await browser.bearer(COUNTY_ADMIN), clock)


async def run(app: FastAPI, statement: str, **values: Any) -> None:
    async with app.state.database.transaction() as session:
        await session.execute(text(statement), values)


DEMOTED = """
UPDATE memberships SET roles = '{handler}' WHERE ended_at IS NULL AND unit_id IN
    (SELECT id FROM units WHERE code = :code)
"""


async def test_whoever_no_longer_manages_the_unit_imports_nothing_more(
    county: Importer, app: FastAPI
) -> None:
    found = await county.checked(csv_of(school(9001)))
    await run(app, DEMOTED, code=COUNTY)
    assert (await county.call("POST", f"/unit-imports/{found['id']}/apply", json={})).status_code == 202
    done = await county.done(found["id"])
    assert (done["status"], done["applied"], done["problem"]) == ("failed", 0, NO_LONGER_ALLOWED)


async def test_a_delegated_role_is_enough_while_the_delegation_lasts(county: Importer, app: FastAPI) -> None:
    ids = "(SELECT id FROM memberships WHERE unit_id = (SELECT id FROM units WHERE code = :code) %s LIMIT 1)"
    mine, other = ids % "AND 'unit_admin' = ANY(roles)", ids % "AND NOT 'unit_admin' = ANY(roles)"
    found = await county.checked(csv_of(school(9001)))
    # Another administrator has delegated the role to this one, who holds none.
    await run(
        app,
        f"""
        INSERT INTO delegations (id, unit_id, from_membership_id, to_membership_id, roles, reason, starts_at,
                                 ends_at, created_at)
        SELECT gen_random_uuid(), u.id, {other}, {mine}, '{{unit_admin}}', '出差', now() - interval '1 day',
               now() + interval '1 day', now() FROM units u WHERE u.code = :code
        """,
        code=COUNTY,
    )
    swapped = """
        UPDATE memberships SET roles = CASE WHEN 'unit_admin' = ANY(roles) THEN '{handler}'::text[]
            ELSE '{unit_admin}' END WHERE unit_id = (SELECT id FROM units WHERE code = :code)
    """
    await run(app, swapped, code=COUNTY)
    await county.call("POST", f"/unit-imports/{found['id']}/apply", json={})
    assert (await county.done(found["id"]))["status"] == "done"


async def test_an_import_has_a_date_that_fits_the_history(county: Importer, clock: FrozenClock) -> None:
    today = clock.now().date()
    late = await county.upload(csv_of(school(9001)), effective_on=str(today + timedelta(days=30)))
    assert (late.status_code, late.json()["code"]) == (400, "effective_on_in_future")
    early = await county.checked(csv_of(school(9001)), effective_on=str(today - timedelta(days=30)))
    [error] = (await county.errors(early["id"]))[2]
    assert error.startswith("生效日期不能早于")
    done = await county.imported(csv_of(school(9001)))
    assert date.fromisoformat(done["effective_on"]) >= today
    unit = await county.unit("S3701029001")
    history = (await county.call("GET", f"/units/{unit['id']}/history")).json()["items"]
    assert history[0]["effective_on"] == done["effective_on"]


async def test_rows_say_what_changes_and_a_word_removes_a_phone(county: Importer) -> None:
    await county.imported(
        csv_of(school(9001, duty_phone="0531-86012345", address="解放路 1 号"), school(9002))
    )
    changed = csv_of(
        school(9001, "370102", name="济南市历下区实验小学", duty_phone="无"),
        school(9003, "S3701029001", level="院系／中心校", kind="院系／中心校", address="无"),
    )
    found = await county.checked(changed)
    assert counts(found) == {"total": 2, "new": 1, "changed": 1}
    rows = (await county.call("GET", f"/unit-imports/{found['id']}/rows")).json()["items"]
    assert [row["changes"] for row in rows] == [["单位名称", "值班电话"], []]
    await county.call("POST", f"/unit-imports/{found['id']}/apply", json={})
    await county.done(found["id"])
    unit = await county.unit("S3701029001")
    assert (unit["name"], unit["duty_phone"], unit["address"]) == (
        "济南市历下区实验小学",
        None,
        "解放路 1 号",
    )
    assert (await county.unit("S3701029003"))["address"] is None
    report = await county.call("GET", f"/unit-imports/{found['id']}/report.csv")
    lines = list(csv.reader(io.StringIO(report.text.removeprefix("\ufeff"))))
    assert lines[0][:4] == ["行号", "结果", "原因", "单位代码"]
    assert [line[:3] for line in lines[1:]] == [["2", "已变更", "单位名称、值班电话"], ["3", "已新增", ""]]


async def test_an_export_has_only_the_chosen_units(county: Importer, app: FastAPI) -> None:
    await county.imported(csv_of(school(9001)))
    unit = await county.unit(COUNTY)
    for chosen, codes in (
        ({"levels": ["school"]}, ["S3701029001"]),
        ({"kinds": ["student_aid"]}, [COUNTY]),
        ({"unit_status": None}, [COUNTY, "S3701029001"]),
        ({"unit_status": "closed"}, []),
    ):
        made = await county.call("POST", "/unit-exports", json={"unit_id": unit["id"], **chosen})
        assert made.status_code == 202, made.text
        done = await county.done(made.json()["id"], path="unit-exports")
        file = await county.call("GET", f"/unit-exports/{done['id']}/file")
        assert [row[0] for row in rows_of(file.content)[1:]] == codes
    ended = await county.call("POST", f"/unit-exports/{done['id']}/cancel")
    assert (ended.status_code, ended.json()["code"]) == (409, "unit_export_ended")


async def closed(county: Importer, code: str) -> None:
    unit = await county.unit(code)
    answer = await county.call(
        "POST", f"/units/{unit['id']}/close", headers={"If-Match": "*"}, json={"reason": "布局调整"}
    )
    assert answer.status_code == 200, answer.text


async def test_closed_units_are_exported_with_their_status_and_come_back_unchanged(county: Importer) -> None:
    await county.imported(csv_of(school(9001), school(9002)))
    await closed(county, "S3701029002")
    unit = await county.unit(COUNTY)
    made = await county.call("POST", "/unit-exports", json={"unit_id": unit["id"], "include_closed": True})
    done = await county.done(made.json()["id"], path="unit-exports")
    file = await county.call("GET", f"/unit-exports/{done['id']}/file")
    assert {row[0]: row[-1] for row in rows_of(file.content)} == {
        "单位代码": "状态",
        COUNTY: "正常",
        "S3701029001": "正常",
        "S3701029002": "已撤销",
    }
    found = await county.checked(file.content)
    assert await county.errors(found["id"]) == {}
    assert counts(found) == {"total": 3, "unchanged": 3}


async def test_an_import_neither_closes_nor_opens_again_nor_changes_a_closed_unit(county: Importer) -> None:
    await county.imported(csv_of(school(9001), school(9002)))
    await closed(county, "S3701029002")
    found = await county.checked(
        csv_of(
            [*school(9001), "已撤销"],
            [*school(9002), "正常"],
            [*school(9002, code="S3701029003"), "已撤销"],
            [*school(9004), "停办"],
            school(9002),
        )
    )
    errors = await county.errors(found["id"])
    assert errors[2] == ["撤销单位不能通过导入办理"]
    assert "该单位已撤销" in errors[3]
    assert errors[4] == ["新单位的“状态”不能是已撤销"]
    assert errors[5] == ["“状态”停办 不正确，可填：正常、已撤销"]
    assert "该单位已撤销" in errors[6]
    changed = await county.checked(csv_of([*school(9002, name="济南市历下区甲小学"), "已撤销"]))
    assert await county.errors(changed["id"]) == {2: ["该单位已撤销，不能变更"]}


async def test_whoever_no_longer_manages_the_unit_gets_no_export(
    county: Importer, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = await county.unit(COUNTY)
    await run(app, DEMOTED, code=COUNTY)
    made = await county.call("POST", "/unit-exports", json={"unit_id": unit["id"]})
    assert (await county.done(made.json()["id"], path="unit-exports"))["status"] == "failed"


async def test_running_checks_and_exports_of_a_person_are_few(
    county: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_RUNNING", 0)
    unit = await county.unit(COUNTY)
    for answer in (
        await county.upload(csv_of(school(9001))),
        await county.call("POST", "/unit-exports", json={"unit_id": unit["id"]}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "too_many_imports")


@pytest.mark.parametrize(("state", "status"), [("dead", "failed"), ("cancelled", "cancelled")])
async def test_what_has_lost_its_job_is_ended_and_recorded(
    county: Importer, app: FastAPI, state: str, status: str
) -> None:
    found = await county.checked(csv_of(school(9001)))
    ended = "UPDATE jobs SET state = :state WHERE id = (SELECT job_id FROM unit_imports WHERE id = :id)"
    await run(app, ended, state=state, id=UUID(found["id"]))
    await run(app, "UPDATE unit_imports SET status = 'applying' WHERE id = :id", id=UUID(found["id"]))
    unit = await county.unit(COUNTY)
    export = (await county.call("POST", "/unit-exports", json={"unit_id": unit["id"]})).json()
    await county.done(export["id"], path="unit-exports")
    await run(app, "UPDATE unit_exports SET status = 'running', job_id = NULL")
    await Importing(app.state.database, county.clock, 300).end_abandoned()
    assert (await county.done(found["id"]))["status"] == status
    assert (await county.done(export["id"], path="unit-exports"))["status"] == "failed"
    async with app.state.database.transaction() as session:
        audited = "SELECT count(*) FROM audit_log WHERE action = 'units.imported' AND target_id = :id"
        assert (await session.execute(text(audited), {"id": found["id"]})).scalar_one() == 1
        assert await job_queue.list(session, kind=EXPORT.name)
    assert jobs.tidying(app.state.database, county.clock, 300).name == "unit_imports.tidy"


async def test_a_running_export_can_be_cancelled(county: Importer, app: FastAPI) -> None:
    unit = await county.unit(COUNTY)
    export = (await county.call("POST", "/unit-exports", json={"unit_id": unit["id"]})).json()
    await county.done(export["id"], path="unit-exports")
    await run(app, "UPDATE unit_exports SET status = 'running'")
    answer = await county.call("POST", f"/unit-exports/{export['id']}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
