"""Intake: good rows in, bad rows kept with their reasons."""

import csv
import io
import re
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select

from cockpit.intake.loading import Chunk, Loader
from cockpit.intake.steps import Step
from cockpit.models import QuarantinedRow
from filekit.sniff import XLSX
from services.cockpit.tests.support.running_cockpit import (
    AWARD_COLUMNS,
    NATIONAL_2017,
    Cockpit,
    amount,
    award,
    csv_of,
    stored,
    withdraw,
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
        "unknown_programme": award(programme="x" * 65),
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


async def test_rows_beyond_those_that_are_kept_are_counted_with_their_reasons(
    cockpit: Cockpit, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("rejected", "answers"):
        monkeypatch.setattr(f"cockpit.intake.{module}.KEPT_ROWS", 3)
    rows = [award(), *(award(amount="-1") for _ in range(4)), award(amount="-1", unit_code="9")]
    made = await cockpit.upload("award", "county", csv_of(rows))
    assert (made.json()["accepted"], made.json()["rejected"]) == (1, 5)
    assert (await stored(cockpit))[1] == 3
    detail = (await cockpit.http.get(made.headers["location"], headers=cockpit.bearer())).json()
    assert sum(detail["rejected_by_reason"].values()) == 6
    words = "共隔离 5 行，仅保存前 3 行，其余 2 行只计数；请改正后重新上传。"
    assert detail["message"] == words
    csv = await cockpit.http.get(f"{made.headers['location']}/quarantine.csv", headers=cockpit.bearer())
    assert len(csv.text.splitlines()) == 5
    assert words in csv.text.splitlines()[-1]


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
        {"record_id": valid_id_number() + "x"},
        {"record_id": "370102-800101-001"},
        {"record_id": "990101-20000101-0010", "amount": "x"},
    ],
)
async def test_id_numbers_are_refused_wherever_they_stand_and_kept_nowhere(
    cockpit: Cockpit, changes: dict[str, str]
) -> None:
    made = await cockpit.upload("award", "county", csv_of([award(**changes)]))
    detail = (await cockpit.http.get(made.headers["location"], headers=cockpit.bearer())).json()
    assert detail["rejected_by_reason"]["looks_like_id_number"] == 1
    async with cockpit.database.transaction() as session:
        (row,) = (await session.scalars(select(QuarantinedRow))).all()
    held = "".join(row.raw)
    assert not re.search("2000-?01|２００００１|8001", held)
    assert "*" in held


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("record_id", "13800138000", "looks_like_phone"),
        ("record_id", "6222021234567890128", "looks_like_bank_card"),
        ("person_token", "6222021234567890128", "looks_like_bank_card"),
        ("person_token", "0086-138-0013-8000", "looks_like_phone"),
    ],
)
async def test_phones_and_bank_cards_are_refused_and_masked_in_quarantine(
    cockpit: Cockpit, column: str, value: str, code: str
) -> None:
    made = await cockpit.upload("award", "county", csv_of([award(**{column: value})]))
    file = await cockpit.http.get(f"{made.headers['location']}/quarantine.csv", headers=cockpit.bearer())
    row = list(csv.reader(io.StringIO(file.text)))[1]
    assert row[1] == code
    assert value not in file.text
    assert "8000" not in row[3 + AWARD_COLUMNS.index(column)]


@pytest.mark.parametrize("where", ["source", "key"])
async def test_a_source_or_key_with_a_personal_number_is_refused(cockpit: Cockpit, where: str) -> None:
    number = f"{ID_NUMBER[:6]}-{ID_NUMBER[6:14]}-{ID_NUMBER[14:]}"
    response = await cockpit.upload(
        "award",
        "county",
        csv_of([award()]),
        source=number if where == "source" else "来源",
        headers={"Idempotency-Key": number} if where == "key" else None,
    )
    assert (response.status_code, response.json()["code"]) == (400, "personal_number")
    assert await stored(cockpit) == (0, 0, 0)


async def test_a_stray_quote_costs_its_own_line_and_no_other(cockpit: Cockpit) -> None:
    lines = csv_of([award(amount="1") for _ in range(1_000)]).splitlines()
    lines[100] = lines[100].replace(",春季", ',"春季')
    lines[200] = lines[200].replace(",春季", ',春"季')
    lines[999] += '"'
    made = await cockpit.upload("award", "county", "\n".join(lines))
    assert (made.json()["accepted"], made.json()["rejected"]) == (997, 3)
    detail = (await cockpit.http.get(made.headers["location"], headers=cockpit.bearer())).json()
    assert detail["rejected_by_reason"] == {"bad_quotes": 3}
    file = await cockpit.http.get(f"{made.headers['location']}/quarantine.csv", headers=cockpit.bearer())
    assert [row[0] for row in csv.reader(io.StringIO(file.text))][1:] == ["101", "201", "1000"]


async def test_a_batch_that_lost_a_row_does_not_count(
    cockpit: Cockpit, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = Loader.judge

    async def judge_less(self: Loader, step: Step) -> Chunk:
        texts = {name: column.slice(1) for name, column in step.texts.items()}
        return await judge(self, Step(step.numbers[1:], texts))

    monkeypatch.setattr(Loader, "judge", judge_less)
    made = await cockpit.upload("award", "county", csv_of([award(), award()]))
    assert (made.status_code, made.json()["code"]) == (503, "rows_unaccounted")
    assert int(made.headers["retry-after"]) > 0
    assert await stored(cockpit) == (1, 0, 0)


async def test_all_errors_of_a_row_are_reported(cockpit: Cockpit) -> None:
    made = await cockpit.upload(
        "award", "county", csv_of([award(year="17", unit_code="999999", amount="-1")])
    )
    detail = (await cockpit.http.get(made.headers["location"], headers=cockpit.bearer())).json()
    assert detail["rejected_by_reason"] == {"amount_not_positive": 1, "bad_year": 1, "unknown_unit": 1}
    file = await cockpit.http.get(f"{made.headers['location']}/quarantine.csv", headers=cockpit.bearer())
    row = list(csv.reader(io.StringIO(file.text)))[1]
    assert row[1] == "bad_year;amount_not_positive;unknown_unit"
    assert [part.partition("：")[0] for part in row[2].split("；")] == ["年度", "金额（元）", "单位代码"]


async def test_every_accepted_line_of_a_published_table_can_be_read_back(cockpit: Cockpit) -> None:
    columns = ("year", "scope", "stage", "funding", "amount_100m_cny", "share_percent", "persons_10k")
    lines = [
        ("2016", "甲", "合计", "学校", "204.74", "21.42", ""),
        ("2016", "甲", "合计", "社会", "18.53", "", ""),
        ("2016", "甲", "普通高等教育", "银行", "263.21", "", "378.21"),
        ("2016", "乙", "义务教育", "地方财政", "0.00000001", "", "0"),
    ]
    text = csv_of([dict(zip(columns, line, strict=True)) for line in lines], columns)
    made = await cockpit.upload("published_aggregate", "county", text)
    found: list[dict[str, str]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await cockpit.http.get(
            f"{made.headers['location']}/published",
            params={"limit": "3", **cursor},
            headers=cockpit.bearer(),
        )
        found += answer.json()["items"]
        if answer.json()["next"] is None:
            break
        cursor = {"cursor": answer.json()["next"]}
    assert {(line["scope"], line["stage_name"], line["funding_name"], line["amount"]) for line in found} == {
        ("甲", "合计", "学校", "20474000000.00"),
        ("甲", "合计", "社会", "1853000000.00"),
        ("甲", "普通高等教育", "银行", "26321000000.00"),
        ("乙", "义务教育", "地方财政", "1.00"),
    }
    awards = await cockpit.upload("award", "county", csv_of([award()]))
    refused = await cockpit.http.get(f"{awards.headers['location']}/published", headers=cockpit.bearer())
    assert (refused.status_code, refused.json()["code"]) == (409, "not_published")


async def test_what_excel_adds_to_a_table_is_accepted(cockpit: Cockpit) -> None:
    text = csv_of([award(amount="3")]).replace("amount", "金额(元)").replace("\r\n", ",,\r\n") + ",,,\r\n"
    for content, kind in (
        ("\ufeff" + text, "text/csv"),
        ("\ufeff" + text.replace("r-", "s-"), "text/csv; charset=gb18030"),
    ):
        content_bytes = content.encode("gb18030" if "gb" in kind else "utf-8")
        made = await cockpit.upload("award", "county", content_bytes, content_type=kind)
        assert (made.status_code, made.json()["accepted"], made.json()["rejected"]) == (201, 1, 0), made.text
    assert await amount(cockpit) == "6.00"


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
    for content, kind, encoding in (
        (text.encode("utf-8-sig"), "text/csv", "utf-8"),
        (text.encode("utf-8"), "text/csv; charset=UTF-8", "utf-8"),
        (text.encode("gb18030"), 'Text/CSV ; header=present; charset="GB18030"', "gb18030"),
        (text.encode("gbk") + b"\r\n", "text/csv", "gb18030"),
    ):
        made = await cockpit.upload("award", "county", content, content_type=kind)
        assert (made.status_code, made.json()["accepted"]) == (201, 1), made.text
        assert (made.json()["format"], made.json()["encoding"]) == ("csv", encoding)
        assert await amount(cockpit) == "3.00"
        await withdraw(cockpit, made.json()["id"], "county")


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"", "text/csv", 400, "empty_file"),
        (b"\xef\xbb\xbf\r\n\r\n", "text/csv", 400, "empty_file"),
        (",".join(AWARD_COLUMNS).encode(), "text/csv", 400, "empty_file"),
        ("年度".encode("gb18030"), "text/csv; charset=utf-8", 400, "bad_encoding"),
        ("年度".encode("gb18030"), "text/csv", 400, "wrong_columns"),
        ("年度".encode("utf-16"), "text/csv", 400, "unknown_encoding"),
        (b"PAR1", "application/vnd.apache.parquet", 400, "malformed_parquet"),
        (b"a,b", "application/vnd.apache.parquet", 400, "malformed_parquet"),
        (b"a,b", XLSX, 415, "unsupported_file_type"),
        (b"{}", "application/x-ndjson; charset=gbk", 415, "unsupported_media_type"),
        ("年度".encode()[:-1], "text/csv; charset=utf-8", 400, "bad_encoding"),
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
        (b'"a\nb",c\n', "text/csv", 400, "malformed_csv"),
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
