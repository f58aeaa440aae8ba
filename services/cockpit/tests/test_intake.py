"""Intake: good rows in, bad rows kept with their reasons, a batch whole or not at all."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from cockpit.analytics.store import Analytics
from cockpit.intake.repository import BatchRepository
from cockpit.intake.service import Intake
from cockpit.models import Batch, QuarantinedRow
from contracts.cockpit import BatchCommittedV1
from messaging.inbox import Subscription

from .conftest import AWARD_COLUMNS, NATIONAL_2017, Cockpit, Start, award, csv_of

# The shape of an ID number; the place does not exist.
ID_NUMBER = "990101200001010010"


def valid_id_number() -> str:
    """The same with the right check character."""
    body = ID_NUMBER[:17]
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11]


async def stored(cockpit: Cockpit) -> tuple[int, int, int]:
    """How many batches, quarantined rows and facts there are, counting or not."""
    async with cockpit.database.transaction() as session:
        batches = await session.scalar(select(func.count()).select_from(Batch)) or 0
        rows = await session.scalar(select(func.count()).select_from(QuarantinedRow)) or 0
    analytics: Analytics = cockpit.app.state.analytics
    facts = 0
    for table in ("award_facts", "aggregate_facts"):
        facts += (await analytics.query(f"SELECT count() AS n FROM {table}"))[0]["n"]
    return batches, rows, facts


async def amount(cockpit: Cockpit, unit: str = "county") -> str:
    found: str = (await cockpit.overview(unit))["awards"]["amount"]["yuan"]
    return found


async def test_bad_rows_are_quarantined_with_line_and_reason_and_the_rest_is_in(cockpit: Cockpit) -> None:
    good = award(amount="100.10")
    bad = {
        "unknown_unit": award(unit_code="999999"),
        "unit_not_awarding": award(unit_code="370102Y"),
        "bad_year": award(year="17"),
        "unknown_term": award(term="夏季"),
        "unknown_stage": award(stage="大学"),
        "unknown_funding": award(funding="财政"),
        "looks_like_id_number": award(person_token=ID_NUMBER),
        "bad_person_token": award(person_token="short"),
        "amount_not_positive": award(amount="-1"),
        "amount_not_exact": award(amount="1.001"),
        "bad_number": award(amount="1e3"),
        "amount_too_large": award(amount="100000000.01"),
        "missing_value": award(programme=" "),
        "bad_text": award(programme="x" * 65),
        "bad_record_id": award(record_id="a b"),
        "duplicate_row": award(record_id=good["record_id"]),
    }
    text = (
        csv_of([good, *bad.values()])
        + "too,few\r\n"
        + csv_of([award(amount="0.01")]).splitlines()[1]
        + "\r\n"
    )
    made = await cockpit.upload("award", "city", text)
    assert made.status_code == 201
    expected = dict.fromkeys(bad, 1) | {"wrong_field_count": 1}
    detail = (await cockpit.http.get(made.headers["location"], headers=cockpit.bearer("city"))).json()
    assert detail["rejected_by_reason"] == expected
    assert (detail["batch"]["accepted"], detail["batch"]["rejected"]) == (2, len(expected))
    assert await amount(cockpit) == "100.11"

    file = await cockpit.http.get(
        f"{made.headers['location']}/quarantine.csv", headers=cockpit.bearer("city")
    )
    assert file.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.reader(io.StringIO(file.text.removeprefix("\ufeff"))))
    assert rows[0] == ["行号", "原因代码", "原因", *AWARD_COLUMNS]
    by_code = {row[1]: row for row in rows[1:]}
    assert set(by_code) == set(expected)
    for line, code in enumerate(bad, start=3):
        assert int(by_code[code][0]) == line
    assert by_code["unknown_unit"][2] == "单位代码：单位代码不存在"
    assert by_code["amount_not_positive"][-1] == "'-1"


async def test_a_row_about_a_unit_outside_of_the_batchs_unit_is_quarantined(cockpit: Cockpit) -> None:
    made = await cockpit.upload("award", "county", csv_of([award(unit_code="3701030001"), award()]))
    assert (made.json()["accepted"], made.json()["rejected"]) == (1, 1)
    detail = (await cockpit.http.get(made.headers["location"], headers=cockpit.bearer())).json()
    assert detail["rejected_by_reason"] == {"unit_out_of_batch": 1}
    assert await amount(cockpit, "sibling") == "0.00"


@pytest.mark.parametrize(
    "changes",
    [
        {"person_token": ID_NUMBER},
        {"person_token": "G" + ID_NUMBER},
        {"person_token": ID_NUMBER[:-1] + "X"},
        {"person_token": "990101-20000101-0010"},
        {"person_token": "abc" + valid_id_number() + "def"},
        {"record_id": ID_NUMBER},
        {"programme": f"助学金{valid_id_number()}"},
    ],
)
async def test_id_numbers_are_refused_wherever_they_stand_and_kept_nowhere(
    cockpit: Cockpit, changes: dict[str, str]
) -> None:
    made = await cockpit.upload("award", "county", csv_of([award(**changes)]))
    detail = (await cockpit.http.get(made.headers["location"], headers=cockpit.bearer())).json()
    assert detail["rejected_by_reason"] == {"looks_like_id_number": 1}
    async with cockpit.database.transaction() as session:
        (row,) = (await session.scalars(select(QuarantinedRow))).all()
    held = "".join(row.raw)
    assert "20000101" not in held
    assert "*" in held


async def test_chinese_headings_in_any_order_bom_and_gb18030_are_accepted(cockpit: Cockpit) -> None:
    headings = [
        "金额（元）",
        "人员标识",
        "资金来源",
        "资助项目",
        "学段",
        "学期",
        "年度",
        "单位代码",
        "记录编号",
    ]
    rows = [dict(zip(headings, list(award(amount="3").values())[::-1], strict=True))]
    text = csv_of(rows, headings)
    for content, kind in (
        (text.encode("utf-8-sig"), "text/csv"),
        (text.encode("utf-8"), "text/csv; charset=UTF-8"),
        (text.encode("gb18030"), "text/csv; charset=GB18030"),
    ):
        made = await cockpit.upload("award", "county", content, content_type=kind)
        assert (made.status_code, made.json()["accepted"]) == (201, 1), made.text
    assert await amount(cockpit) == "9.00"


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"", "text/csv", 400, "empty_file"),
        (b"\xef\xbb\xbf\r\n\r\n", "text/csv", 400, "empty_file"),
        (",".join(AWARD_COLUMNS).encode(), "text/csv", 400, "empty_file"),
        ("年度".encode("gb18030"), "text/csv", 400, "bad_encoding"),
        ("年度".encode()[:-1], "text/csv", 400, "bad_encoding"),
        (b"a", "text/csv; charset=utf-16", 415, "unsupported_media_type"),
        (b"a", "application/json", 415, "unsupported_media_type"),
        (b"a", "multipart/form-data", 415, "unsupported_media_type"),
        (b"\x00\x01\x02", "text/csv", 400, "wrong_columns"),
        (b'"' + b"x" * 200_000, "text/csv", 400, "malformed_csv"),
    ],
)
async def test_a_file_that_is_no_table_is_refused_and_leaves_nothing(
    cockpit: Cockpit, content: bytes, kind: str, status: int, code: str
) -> None:
    response = await cockpit.upload("award", "county", content, content_type=kind)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert await stored(cockpit) == (0, 0, 0)


async def test_wrong_columns_are_listed_and_nothing_is_stored(cockpit: Cockpit) -> None:
    text = csv_of([award()]).replace("term", "semester").replace("person_token", "amount")
    response = await cockpit.upload("award", "county", text)
    assert (response.status_code, response.json()["code"]) == (400, "wrong_columns")
    assert {error["pointer"] for error in response.json()["errors"]} == {
        "columns.missing.term",
        "columns.missing.person_token",
        "columns.unknown.semester",
        "columns.duplicate.amount",
    }
    assert await stored(cockpit) == (0, 0, 0)
    other_feed = await cockpit.upload("award", "county", NATIONAL_2017.read_bytes())
    assert other_feed.json()["code"] == "wrong_columns"


async def test_the_same_batch_twice_counts_once(cockpit: Cockpit) -> None:
    text = csv_of([award(amount="5"), award(amount="-1")])
    for params, headers in (
        ({"batch_id": str(uuid4())}, {}),
        ({}, {"Idempotency-Key": f"key-{uuid4()}"}),
    ):
        before = await stored(cockpit)
        first = await cockpit.upload("award", "county", text, headers=headers, **params)
        again = await cockpit.upload("award", "county", text, headers=headers, **params)
        assert (first.status_code, again.status_code) == (201, 200)
        assert again.json() == first.json()
        assert again.headers["idempotency-replayed"] == "true"
        after = await stored(cockpit)
        assert tuple(b - a for a, b in zip(before, after, strict=True)) == (1, 1, 1)

        other = await cockpit.upload("award", "county", csv_of([award()]), headers=headers, **params)
        assert (other.status_code, other.json()["code"]) == (409, "batch_id_reused")
    assert await amount(cockpit) == "10.00"


async def test_a_batch_id_of_another_unit_is_not_told_apart_from_one_in_use(cockpit: Cockpit) -> None:
    batch_id = str(uuid4())
    await cockpit.upload("award", "county", csv_of([award()]), batch_id=batch_id)
    taken = await cockpit.upload(
        "award", "sibling", csv_of([award(unit_code="3701030001")]), batch_id=batch_id
    )
    assert (taken.status_code, taken.json()["code"]) == (409, "batch_id_reused")


async def test_the_same_batch_twice_at_the_same_moment_counts_once(cockpit: Cockpit) -> None:
    text = csv_of([award(amount="5") for _ in range(50)])
    batch_id = str(uuid4())
    answers = await asyncio.gather(
        *(cockpit.upload("award", "county", text, batch_id=batch_id) for _ in range(4))
    )
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses.count(201) == 1
    assert set(statuses) <= {200, 201, 409}
    assert await amount(cockpit) == "250.00"


async def test_a_reversed_batch_leaves_the_numbers_as_before(cockpit: Cockpit) -> None:
    person = "person-0000000000000001"
    await cockpit.upload("award", "county", csv_of([award(amount="1", person_token=person)]))
    await cockpit.upload("published_aggregate", "county", NATIONAL_2017.read_bytes(), source="旧")
    before = await cockpit.overview("county")
    for feed, text in (
        ("award", csv_of([award(amount="2", person_token=person), award(amount="4", year="2020")])),
        ("published_aggregate", NATIONAL_2017.read_text().replace("1882", "1900")),
    ):
        made = await cockpit.upload(feed, "county", text, source="旧" if feed != "award" else "新")
        assert await cockpit.overview("county") != before
        url = f"{made.headers['location']}/reverse"
        for _ in range(2):
            undone = await cockpit.http.post(url, headers=cockpit.bearer())
            assert (undone.status_code, undone.json()["status"]) == (200, "reversed")
        after = await cockpit.overview("county")
        assert {**after, "as_of": None} == {**before, "as_of": None}
    years = await cockpit.http.get("/api/v1/overview/years", headers=cockpit.bearer())
    assert years.json()["years"] == [2017]
    rows = await cockpit.app.state.analytics.query("SELECT sum(sign) AS net, count() AS n FROM award_facts")
    assert rows == [{"net": 1, "n": 5}]


class Crash(BaseException):
    """As good as a kill: nothing of ours handles it."""


@pytest.mark.parametrize("step", ["_commit", "quarantine"])
async def test_a_crash_after_the_facts_and_before_the_commit_counts_nothing(
    start: Start, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    async def crash(*_: Any) -> None:
        raise Crash

    text = csv_of([award(amount="5"), award(amount="-1")])
    batch_id = str(uuid4())
    async with start() as cockpit:
        with monkeypatch.context() as patch:
            patch.setattr(Intake if step == "_commit" else BatchRepository, step, crash)
            with pytest.raises(Crash):
                await cockpit.upload("award", "county", text, batch_id=batch_id)
        assert (await stored(cockpit))[2] == 1
        assert await amount(cockpit) == "0.00"
        assert (await cockpit.overview("county"))["children"][0]["person_times"] == 0
        busy = await cockpit.upload("award", "county", text, batch_id=batch_id)
        assert (busy.status_code, busy.json()["code"]) == (409, "batch_in_progress")
    async with start() as cockpit:
        listed = (await cockpit.http.get("/api/v1/intake/batches", headers=cockpit.bearer())).json()["items"]
        assert [(item["status"], item["failure"]) for item in listed] == [("failed", "interrupted")]
        assert await stored(cockpit) == (1, 0, 0)
        unfinished = await cockpit.http.post(
            f"/api/v1/intake/batches/{batch_id}/reverse", headers=cockpit.bearer()
        )
        assert (unfinished.status_code, unfinished.json()["code"]) == (409, "batch_not_reversible")
        again = await cockpit.upload("award", "county", text, batch_id=batch_id)
        assert (again.status_code, again.json()["status"], again.json()["failure"]) == (
            201,
            "committed",
            None,
        )
        assert await amount(cockpit) == "5.00"


async def test_a_failure_in_the_middle_gives_the_batch_up_and_removes_its_facts(
    cockpit: Cockpit, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert = Analytics.insert

    async def insert_and_fail(self: Analytics, *arguments: Any) -> None:
        await insert(self, *arguments)
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(Analytics, "insert", insert_and_fail)
        response = await cockpit.upload("award", "county", csv_of([award()]))
    assert (response.status_code, response.json()["code"]) == (500, "internal_error")
    assert await stored(cockpit) == (1, 0, 0)
    listed = (await cockpit.http.get("/api/v1/intake/batches", headers=cockpit.bearer())).json()["items"]
    assert [(item["status"], item["failure"]) for item in listed] == [("failed", "internal_error")]


async def test_a_file_of_many_chunks_is_streamed_and_counted_whole(cockpit: Cockpit) -> None:
    text = csv_of([award(amount="1") for _ in range(12_001)]).encode()

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(text), 7_001):
            yield text[at : at + 7_001]

    made = await cockpit.upload("award", "county", pieces())
    assert made.json()["accepted"] == 12_001
    assert await amount(cockpit) == "12001.00"


class TestSizeLimit:
    @pytest.fixture
    def upload_limit(self) -> int:
        return 2048

    async def test_a_file_over_the_limit_is_413_whether_its_length_is_declared_or_not(
        self, cockpit: Cockpit
    ) -> None:
        text = csv_of([award() for _ in range(40)]).encode()

        async def pieces() -> AsyncIterator[bytes]:
            for at in range(0, len(text), 512):
                yield text[at : at + 512]

        for content in (text, pieces()):
            response = await cockpit.upload("award", "county", content)
            assert (response.status_code, response.json()["code"]) == (413, "body_too_large")
        assert await stored(cockpit) == (0, 0, 0)
        small = await cockpit.upload("award", "county", csv_of([award() for _ in range(12)]))
        assert small.status_code == 201


async def test_a_committed_batch_is_told_of_once(cockpit: Cockpit) -> None:
    heard: list[BatchCommittedV1] = []

    async def hear(_: Any, event: BatchCommittedV1, __: Any) -> None:
        heard.append(event)

    processor = cockpit.bus._subscriptions[0][1]
    cockpit.bus.subscribe(Subscription("test.batches", (BatchCommittedV1,), hear), processor)
    batch_id = str(uuid4())
    for _ in range(2):
        await cockpit.upload("award", "county", csv_of([award(), award(amount="0")]), batch_id=batch_id)
    await cockpit.upload("award", "county", b"", batch_id=str(uuid4()))
    for _ in range(100):
        if heard:
            break
        await asyncio.sleep(0.02)
    assert [(str(e.batch_id), e.feed, e.accepted, e.rejected) for e in heard] == [(batch_id, "award", 1, 1)]


async def test_batches_are_listed_newest_first_by_pages_and_filters(cockpit: Cockpit) -> None:
    ids = [
        (await cockpit.upload("award", "county", csv_of([award()]))).json()["id"],
        (await cockpit.upload("published_aggregate", "county", NATIONAL_2017.read_bytes())).json()["id"],
        (await cockpit.upload("award", "city", csv_of([award()]))).json()["id"],
    ]

    async def listed(**params: str) -> list[str]:
        found: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            response = await cockpit.http.get(
                "/api/v1/intake/batches",
                params={"limit": "1", **params, **cursor},
                headers=cockpit.bearer("city"),
            )
            page = response.json()
            found += [item["id"] for item in page["items"]]
            if page["next"] is None:
                return found
            cursor = {"cursor": page["next"]}

    assert await listed() == ids[::-1]
    assert await listed(feed="award") == [ids[2], ids[0]]
    assert await listed(unit=str(cockpit.world["county"].id)) == [ids[1], ids[0]]
    assert await listed(status="failed") == []
    bad = await cockpit.http.get(
        "/api/v1/intake/batches", params={"cursor": "WyJ4Il0"}, headers=cockpit.bearer("city")
    )
    assert (bad.status_code, bad.json()["code"]) == (400, "bad_cursor")


async def test_odd_query_parameters_are_refused_by_shape(cockpit: Cockpit) -> None:
    for params in ({"feed": "nothing"}, {"source": "a\x00b"}, {"batch_id": "x"}, {"source": ""}):
        response = await cockpit.http.post(
            "/api/v1/intake/batches",
            params={"feed": "award", "source": "s", **params},
            content=csv_of([award()]),
            headers={**cockpit.bearer(), "Content-Type": "text/csv"},
        )
        assert (response.status_code, response.json()["code"]) == (422, "invalid_shape")
    assert await stored(cockpit) == (0, 0, 0)


async def test_nul_and_very_long_fields_are_quarantined_not_fatal(cockpit: Cockpit) -> None:
    made = await cockpit.upload(
        "award",
        "county",
        csv_of([award(programme="a\x00b"), award(programme="x" * 5000), award(amount="9" * 400)]),
    )
    assert (made.status_code, made.json()["rejected"]) == (201, 3)
