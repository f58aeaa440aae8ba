"""Records that do not agree with other feeds: noted at intake, listed until the missing record counts."""

from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from cockpit.directory.models import FormerPlace, Unit
from cockpit.directory.past import past_of
from cockpit.feeds.declarations import FeedName
from cockpit.models import IndividualUse
from services.cockpit.tests.support.figures import file_of
from services.cockpit.tests.support.figures import row_of as good_row
from services.cockpit.tests.support.running_cockpit import Cockpit, award, move, paths, withdraw

YEAR = "2017"
FIRST, SECOND = "person-0000000000000001", "person-0000000000000002"


def row_of(feed: str, **fields: str) -> dict[str, str]:
    return good_row(FeedName(feed), 1, {"person_token": FIRST, **fields})


def enrolment(token: str, **changes: str) -> dict[str, str]:
    fields = {"person_token": token, "unit_code": "3701020001", "entered_on": "2015-09-01"}
    return row_of(
        "enrolment", **{**fields, "school_year": YEAR, "left_on": "", "state": "在籍在读", **changes}
    )


async def send(
    cockpit: Cockpit, feed: str, *rows: dict[str, str], by: str = "county", **params: Any
) -> dict[str, Any]:
    made = await cockpit.upload(feed, by, file_of(rows), **params)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = (
        await cockpit.http.get(made.headers["location"], headers=cockpit.bearer(by))
    ).json()
    return found


async def get(cockpit: Cockpit, path: str, by: str = "county", **params: Any) -> httpx.Response:
    return await cockpit.http.get(f"/api/v1/intake/{path}", params=params, headers=cockpit.bearer(by))


async def counted(cockpit: Cockpit, by: str = "county", **params: Any) -> dict[tuple[str, str], int]:
    answer = await get(cockpit, "inconsistencies", by, year=2017, **params)
    assert answer.status_code == 200, answer.text
    return {(one["unit_code"], one["check"]): one["rows"] for one in answer.json()["items"]}


async def test_what_another_feed_lacks_is_noted_and_listed_until_it_arrives(cockpit: Cockpit) -> None:
    awards = [
        award(record_id="a1", term="秋季", person_token=FIRST),
        award(record_id="a2", term="春季", person_token=SECOND),
        award(record_id="a3", term="秋季", person_token=SECOND, programme="服兵役学生国家教育资助"),
    ]
    hardship = row_of("hardship", unit_code="3701020001", school_year=YEAR, person_token=SECOND)
    payments = [
        row_of("payment", record_id="p1", award_record_id="a1", unit_code="3701020001", year=YEAR),
        row_of("payment", record_id="p2", award_record_id="a9", unit_code="3701020001", year=YEAR),
    ]
    batch = await send(cockpit, "award", *awards)
    assert [(note["title"], note["rows"]) for note in batch["notes"]] == [("受助学生不在籍", 2)]
    assert (await send(cockpit, "hardship", hardship))["notes"][0]["check"] == "hardship_without_enrolment"
    assert (await send(cockpit, "payment", *payments))["notes"][0]["rows"] == 1
    school = "3701020001"
    assert await counted(cockpit) == {
        (school, "award_without_enrolment"): 2,
        (school, "hardship_without_enrolment"): 1,
        (school, "payment_without_award"): 1,
    }
    # The spring belongs to the school year before. What is enrolled below an office is enrolled there, too.
    await send(cockpit, "enrolment", enrolment(FIRST), enrolment(SECOND, school_year="2016"), by="city")
    await send(
        cockpit, "award", award(record_id="a9"), award(unit_code="370102", term="秋季", person_token=FIRST)
    )
    assert await counted(cockpit) == {
        (school, "award_without_enrolment"): 1,
        (school, "hardship_without_enrolment"): 1,
    }
    assert await counted(cockpit, "sibling") == {}
    pages = await get(cockpit, "inconsistencies", year=2017, limit=1)
    assert (pages.json()["total"]["count"], pages.json()["rows"], len(pages.json()["items"])) == (2, 2, 1)
    after = await get(cockpit, "inconsistencies", year=2017, limit=1, cursor=pages.json()["next"])
    assert after.json()["items"][0]["check"] == "hardship_without_enrolment"
    file = await get(cockpit, "inconsistencies.csv", year=2017)
    assert "3701020001,单位3701020001,困难学生名单,困难学生不在籍,计入并提示,2017,1" in file.text
    unknown = await get(cockpit, "inconsistencies", year=2017, check="unit_not_yet")
    assert unknown.json()["code"] == "check_unknown"


async def test_the_rows_of_a_batch_are_masked_and_looks_at_them_are_recorded(cockpit: Cockpit) -> None:
    rows = [award(record_id=f"a{number}") for number in range(5)]
    batch = (await send(cockpit, "award", *rows))["batch"]["id"]
    found, cursor = [], None
    while True:
        page = await get(
            cockpit,
            f"batches/{batch}/inconsistencies",
            check="award_without_enrolment",
            limit=2,
            **({} if cursor is None else {"cursor": cursor}),
        )
        assert page.status_code == 200, page.text
        assert page.json()["total"]["count"] == 5
        found += page.json()["items"]
        cursor = page.json()["next"]
        if cursor is None:
            break
    tokens = {row["record_id"]: row["person_token"] for row in rows}
    assert {one["record_id"] for one in found} == tokens.keys()
    assert all(
        one["person"] == f"{tokens[one['record_id']][:4]}…{tokens[one['record_id']][-4:]}" for one in found
    )
    refused = await get(
        cockpit, f"batches/{batch}/inconsistencies", "sibling", check="award_without_enrolment"
    )
    assert refused.status_code == 403
    async with cockpit.database.transaction() as session:
        uses = (await session.scalars(select(IndividualUse).order_by(IndividualUse.id))).all()
    assert [(use.feed, use.further, use.filters["batch"]) for use in uses] == [
        ("award", number > 0, batch) for number in range(3)
    ]


async def test_a_student_enrolled_twice_at_once_is_listed_at_both_until_one_is_corrected(
    cockpit: Cockpit,
) -> None:
    here = enrolment(FIRST)
    await send(cockpit, "enrolment", here, enrolment(SECOND, left_on="2018-01-15", state="离校"))
    there = [enrolment(token, unit_code="3701030001") for token in (FIRST, SECOND)]
    there[1]["entered_on"] = "2018-01-15"
    second = await send(cockpit, "enrolment", *there, by="sibling")
    assert [(note["check"], note["rows"]) for note in second["notes"]] == [("enrolled_twice", 1)]
    both = {("3701020001", "enrolled_twice"): 1, ("3701030001", "enrolled_twice"): 1}
    assert await counted(cockpit, "city") == both
    left = {**here, "left_on": "2017-09-30", "state": "离校"}
    there[0] = {**there[0], "entered_on": "2017-10-01"}
    assert (await send(cockpit, "enrolment", left, mode="correction"))["notes"][0]["rows"] == 1
    await withdraw(cockpit, second["batch"]["id"], "sibling")
    assert await counted(cockpit, "city") == {}
    assert (await send(cockpit, "enrolment", *there, by="sibling"))["notes"] == []


async def test_a_withdrawn_correction_gives_the_records_back_to_their_batch(cockpit: Cockpit) -> None:
    row = award(amount="5")
    first = (await send(cockpit, "award", row))["batch"]["id"]
    fixed = (await send(cockpit, "award", {**row, "amount": "6"}, mode="correction"))["batch"]["id"]

    async def listed(batch: str) -> int:
        answer = await get(
            cockpit, f"batches/{batch}/inconsistencies", check="award_without_enrolment", limit=10
        )
        total: int = answer.json()["total"]["count"]
        assert len(answer.json()["items"]) == total
        return total

    assert (await listed(first), await listed(fixed)) == (0, 1)
    await withdraw(cockpit, fixed, "county")
    assert (await listed(first), await listed(fixed)) == (1, 0)


async def test_the_dry_run_of_a_correction_does_not_find_what_it_replaces(cockpit: Cockpit) -> None:
    here = enrolment(FIRST)
    await send(cockpit, "enrolment", here)
    left = {**here, "left_on": "2017-09-30", "state": "离校"}
    checked = await cockpit.http.post(
        "/api/v1/intake/checks",
        params={"feed": "enrolment", "unit": str(cockpit.world["county"].id), "mode": "correction"},
        content=file_of([left]),
        headers={**cockpit.bearer(), "Content-Type": "text/csv"},
    )
    assert (checked.json()["accepted"], checked.json()["notes"]) == (1, [])


async def became(
    cockpit: Cockpit, unit: str, at: datetime, *, status: str = "active", level: str | None = None
) -> None:
    """Change what a unit is, at a time, as the replica does; it was there since 2000."""
    async with cockpit.database.transaction() as session:
        row = await session.get(Unit, cockpit.world[unit].id)
        assert row is not None
        session.add(
            FormerPlace(
                unit_id=row.id,
                valid_from=datetime(2000, 1, 1, tzinfo=UTC),
                valid_to=at,
                parent_id=row.parent_id,
                path=row.path,
                status="active",
                level=row.level,
                kind=row.kind,
            )
        )
        row.placed_at, row.status = at, status
        if level is not None:
            row.level, row.kind = level, "student_aid"


async def test_units_are_judged_by_what_they_were_on_the_days_of_a_fact(cockpit: Cockpit) -> None:
    await became(cockpit, "school", datetime(2017, 9, 1, tzinfo=UTC), status="closed")
    # A school that became an office of a city, which has no awards.
    await became(cockpit, "other_school", datetime(2016, 7, 1, tzinfo=UTC), level="city")
    rows = [
        award(record_id="before", year="2017", term="春季"),
        award(record_id="partly", year="2017", term="秋季"),
        award(record_id="after", year="2018", term="春季"),
        award(record_id="school", year="2015", term="全年", unit_code="3701020002"),
        award(record_id="office", year="2017", term="全年", unit_code="3701020002"),
    ]
    batch = await send(cockpit, "award", *rows)
    assert batch["rejected_by_reason"] == {"unit_closed": 1, "unit_not_awarding": 1}
    report = await get(cockpit, f"batches/{batch['batch']['id']}/quarantine.csv")
    assert (
        "单位代码：该单位已于 2017-09-01 撤销，撤销后的单位不再发生资助；应报在承接其职能的单位名下"
        in report.text
    )
    # Money may be paid afterwards: taken in, with a note, and listed.
    late = row_of("payment", unit_code="3701020001", year="2018", due_on="2018-03-01")
    noted = await send(cockpit, "payment", late)
    assert {note["check"] for note in noted["notes"]} == {"payment_without_award", "unit_closed"}
    answer = await get(cockpit, "inconsistencies", year=2018, check="unit_closed")
    assert [(one["unit_code"], one["rows"]) for one in answer.json()["items"]] == [("3701020001", 1)]


async def test_every_unit_that_was_closed_is_found_also_those_that_opened_again(
    cockpit: Cockpit, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each unit in a query of its own.
    monkeypatch.setattr("cockpit.intake.closures.CLOSED_STAYS", 1)
    await became(cockpit, "school", datetime(2017, 9, 1, tzinfo=UTC), status="closed")
    opened = datetime(2020, 1, 1, tzinfo=UTC)
    await became(cockpit, "sibling_school", opened)
    await became(cockpit, "other_school", opened)
    async with cockpit.database.transaction() as session:
        former = await session.get(
            FormerPlace, (cockpit.world["other_school"].id, datetime(2000, 1, 1, tzinfo=UTC))
        )
        assert former is not None
        since = {name: getattr(former, name) for name in ("unit_id", "path", "level", "kind", "valid_to")}
        closed_at = former.valid_to = datetime(2017, 9, 1, tzinfo=UTC)
        session.add(FormerPlace(**since, valid_from=closed_at, status="closed"))
    schools = ("3701020001", "3701020002", "3701030001")
    late = [
        row_of("payment", record_id=f"p{code}", unit_code=code, year="2018", due_on="2018-03-01")
        for code in schools
    ]
    batch = (await send(cockpit, "payment", *late, by="city"))["batch"]["id"]
    answer = await get(cockpit, "inconsistencies", "city", year=2018, check="unit_closed")
    closed = [(one["unit_code"], one["rows"]) for one in answer.json()["items"]]
    assert closed == [("3701020001", 1), ("3701020002", 1)]
    url, asked = f"batches/{batch}/inconsistencies", {"check": "unit_closed", "limit": 1}
    first = (await get(cockpit, url, "city", **asked)).json()
    last = (await get(cockpit, url, "city", **asked, cursor=first["next"])).json()
    assert [one["unit_code"] for page in (first, last) for one in page["items"]] == [
        *("3701020001", "3701020002")
    ]
    assert (first["total"]["count"], last["total"]["count"], last["next"]) == (2, 2, None)


async def test_a_unit_registered_after_the_fact_is_noted_unless_the_directory_is_younger(
    cockpit: Cockpit,
) -> None:
    async with cockpit.database.transaction() as session:
        for name, at in (
            ("centre", datetime(2016, 1, 1, tzinfo=UTC)),
            ("school", datetime(2017, 9, 1, tzinfo=UTC)),
        ):
            row = await session.get(Unit, cockpit.world[name].id)
            assert row is not None
            row.placed_at = at
    batch = await send(cockpit, "award", award(term="春季"), award(year="2018"), award(year="2015"))
    assert {note["check"]: note["rows"] for note in batch["notes"]}["unit_not_yet"] == 1


def test_before_identity_knew_a_unit_it_counts_as_active() -> None:
    unit = Unit(code="1", status="closed", level="school", kind="school", placed_at=None)
    assert past_of(unit, ()).closed(date(2020, 1, 1), date(2020, 2, 1)) is None
    unit.placed_at = datetime(2020, 1, 15, 17, tzinfo=UTC)
    past = past_of(unit, ())
    # 17:00 in UTC is the next day in Beijing; on the day itself it was both.
    assert past.closed(date(2020, 1, 16), date(2020, 1, 20)) is None
    assert past.closed(date(2020, 1, 17), date(2020, 1, 20)) == date(2020, 1, 16)


async def test_the_history_of_a_record_shows_every_version_to_those_who_loaded_it(cockpit: Cockpit) -> None:
    row = award(record_id="A/1", amount="5", person_token=FIRST)
    first = (await send(cockpit, "award", row))["batch"]["id"]
    fixed = (await send(cockpit, "award", {**row, "amount": "6"}, by="city", mode="correction"))["batch"][
        "id"
    ]
    history = (await get(cockpit, "records/award/A/1")).json()
    assert [
        (one["what"], one["how"], one["batch_id"], one["values"]["amount"]) for one in history["versions"]
    ] == [
        ("added", "new", first, "5.00"),
        ("taken_back", "correction", None, "5.00"),
        ("added", "correction", None, "6.00"),
    ]
    assert history["counts"]
    assert {one["values"]["person_token"] for one in history["versions"]} == {"pers…0001"}
    await withdraw(cockpit, fixed, "city")
    above = (await get(cockpit, "records/award/A/1", "city", unit_code="3701020001")).json()
    assert {(one["what"], one["how"], one["batch_id"]) for one in above["versions"][3:]} == {
        ("taken_back", "withdrawal", fixed),
        ("added", "withdrawal", fixed),
    }
    await withdraw(cockpit, first, "county")
    assert not (await get(cockpit, "records/award/A/1")).json()["counts"]
    for by, params, code in (
        ("city", {}, "unit_code_required"),
        ("sibling", {"unit_code": "3701020001"}, "record_not_found"),
        ("county", {"unit_code": "3701020002"}, "record_not_found"),
    ):
        assert (await get(cockpit, "records/award/A/1", by, **params)).json()["code"] == code
    assert (await get(cockpit, "records/enrolment/A")).json()["code"] == "no_record_ids"
    async with cockpit.database.transaction() as session:
        looked = (await session.scalars(select(IndividualUse.filters))).all()
    assert looked.count({"record_id": "A/1"}) >= 4


async def test_the_history_of_a_record_moves_with_the_unit_that_loaded_it(cockpit: Cockpit) -> None:
    await send(cockpit, "award", award(record_id="A1"))
    await move(cockpit, "county", "province")
    moved = cockpit.bearer("county", unit_path=(await paths(cockpit))["county"])
    own = await cockpit.http.get("/api/v1/intake/records/award/A1", headers=moved)
    assert [one["how"] for one in own.json()["versions"]] == ["new"], own.text
    former = await get(cockpit, "records/award/A1", "city", unit_code="3701020001")
    assert former.json()["code"] == "record_not_found"
