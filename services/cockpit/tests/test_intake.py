"""Intake: good rows in, bad rows kept with their reasons."""

import csv
import io
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select

from cockpit.models import QuarantinedRow
from services.cockpit.tests.support.running_cockpit import (
    AWARD_COLUMNS,
    NATIONAL_2017,
    Cockpit,
    amount,
    award,
    csv_of,
    stored,
)

# The shape of an ID number; the place does not exist.
ID_NUMBER = "990101200001010010"


def valid_id_number() -> str:
    """The same with the right check character."""
    body = ID_NUMBER[:17]
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11]


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
        (text.encode("gb18030"), 'Text/CSV ; header=present; charset="GB18030"'),
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
        (b"a", "text/csv; charset*=utf-8''x", 415, "unsupported_media_type"),
        (b"a", "text/csv; charset*=utf-8''utf-8; charset*0=utf-8", 415, "unsupported_media_type"),
        (b"a", "text/csv; charset=utf-8; charset=gb18030", 415, "unsupported_media_type"),
        (b"a", "text/csv; charset", 415, "unsupported_media_type"),
        (b"a", "", 415, "unsupported_media_type"),
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
        "/term",
        "/person_token",
        "/semester",
        "/amount",
    }
    assert await stored(cockpit) == (0, 0, 0)
    other_feed = await cockpit.upload("award", "county", NATIONAL_2017.read_bytes())
    assert other_feed.json()["code"] == "wrong_columns"


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


async def test_odd_query_parameters_are_refused_by_shape(cockpit: Cockpit) -> None:
    for params in ({"feed": "nothing"}, {"source": "a\x00b"}, {"batch_id": "x"}, {"source": ""}):
        response = await cockpit.http.post(
            "/api/v1/intake/batches",
            params={"feed": "award", "source": "s", **params},
            content=csv_of([award()]),
            headers={**cockpit.bearer(), "Content-Type": "text/csv", "Idempotency-Key": "key-of-the-test"},
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
