"""Bad input, case by case, with the words that a person sees: a table of rows, a table of files, a table of
questions, and what needs more than one file."""

import asyncio
import csv
import io
import zipfile
from dataclasses import dataclass, field
from typing import Any

from cockpit.feeds.declarations import FeedName
from services.cockpit.tests.support.figures import file_of, row_of
from services.cockpit.tests.support.running_cockpit import (
    AWARD_COLUMNS,
    Cockpit,
    amount,
    award,
    csv_of,
    stored,
)

P, A = FeedName.PAYMENT, FeedName.AWARD
TOKEN = "person-0000000000000001"


@dataclass(frozen=True)
class Row:
    """A row that is refused: what is wrong with it, the code, and the words."""

    case: str
    changes: dict[str, str]
    code: str
    words: str
    feed: FeedName = A


_DAY = "应发日期：日期应为 2024-03-01、2024/3/1、2024.3.1、20240301 或 2024年3月1日 的形式"
ROWS = (
    Row("amount with commas", {"amount": "1,250.00"}, "bad_number", "金额（元）：不是有效的数字；不带千分位"),
    Row("negative amount", {"amount": "-5"}, "amount_not_positive", "金额（元）：金额应大于零"),
    Row(
        *("a tenth of a fen", {"amount": "0.001"}, "amount_not_exact"),
        "金额（元）：金额最多两位小数（精确到分）",
    ),
    Row("unknown term", {"term": "夏季"}, "unknown_term", "学期：学期应为以下之一：春季、秋季、全年"),
    Row("unknown unit", {"unit_code": "9999999999"}, "unknown_unit", "单位代码：单位代码不存在"),
    Row(
        *("unit of another county", {"unit_code": "3701030001"}, "unit_out_of_batch"),
        "单位代码：该单位不在本批次所属单位管辖范围内",
    ),
    Row("year in two digits", {"year": "17"}, "bad_year", "年度：年度应为 2000–2099 的四位数字"),
    Row("no value", {"record_id": ""}, "missing_value", "记录编号：必填项为空"),
    Row("day and month exchanged", {"due_on": "31/12/2024"}, "bad_date", _DAY, P),
    Row("a day that does not exist", {"due_on": "2024-02-30"}, "bad_date", "应发日期：没有这个日期", P),
    Row("a day as a spreadsheet counts it", {"due_on": "45292"}, "bad_date", _DAY, P),
)
DATES = ("2024-03-01", "2024/3/1", "2024.3.1", "20240301", "2024年3月1日")


def payment(number: int, **changes: str) -> dict[str, str]:
    return row_of(P, number, {"unit_code": "3701020001", "person_token": TOKEN, **changes})


async def report(cockpit: Cockpit, made: Any) -> list[tuple[str, str]]:
    """Return code and words of each row in quarantine, in the order of lines."""
    assert made.status_code == 201, made.text
    answer = await cockpit.http.get(f"{made.headers['location']}/quarantine.csv", headers=cockpit.bearer())
    return [(line[-1 - width], line[-width]) for line, width in _lines(answer.text)]


def _lines(text: str) -> list[tuple[list[str], int]]:
    heading, *lines = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
    return [(line, len(heading) - heading.index("原因")) for line in lines]


async def test_each_bad_row_is_quarantined_with_its_words(cockpit: Cockpit) -> None:
    found: dict[str, tuple[str, str]] = {}
    for feed in (A, P):
        cases = [one for one in ROWS if one.feed is feed]
        good = award() if feed is A else payment(99)
        rows = [{**good, "record_id": f"r{number}", **one.changes} for number, one in enumerate(cases)]
        made = await cockpit.upload(feed.value, "county", file_of([*rows, good]))
        found |= dict(zip([one.case for one in cases], await report(cockpit, made), strict=True))
    assert found == {one.case: (one.code, one.words) for one in ROWS}
    # Five habits of writing a date are one day.
    days = [payment(number, due_on=day) for number, day in enumerate(DATES)]
    assert await report(cockpit, await cockpit.upload("payment", "county", file_of(days))) == []
    payments = await cockpit.app.state.analytics.query(
        "SELECT DISTINCT due_on FROM payment_facts WHERE award_record_id != 'a99'"
    )
    assert [str(row["due_on"]) for row in payments] == ["2024-03-01"]


@dataclass(frozen=True)
class File:
    """A file, and its answer: status and code of the refusal with words, or the numbers of rows."""

    case: str
    content: bytes
    status: int
    code: str = ""
    words: tuple[str, ...] = ()
    rows: tuple[int, int] = (0, 0)
    content_type: str = "text/csv; charset=utf-8"
    params: dict[str, str] = field(default_factory=dict)


def _zip(*files: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number, content in enumerate(files):
            archive.writestr(f"{number}.csv", content)
    return out.getvalue()


_WITHOUT = [name for name in AWARD_COLUMNS if name != "amount"]
_TWICE = award()
_ZIP = "application/zip"
FILES = (
    File(
        *("missing column", csv_of([{n: award()[n] for n in _WITHOUT}], _WITHOUT).encode(), 400),
        *("wrong_columns", ("文件的列与数据源要求不一致，未接收任何数据。", "缺少列“金额（元）”（amount）")),
    ),
    File(
        *("extra column", csv_of([{**award(), "note": ""}], [*AWARD_COLUMNS, "note"]).encode(), 400),
        *("wrong_columns", ("文件的列与数据源要求不一致，未接收任何数据。", "未知的列“note”")),
    ),
    File("byte order mark", csv_of([award()]).encode("utf-8-sig"), 201, rows=(1, 0)),
    File("empty file", b"", 400, "empty_file", ("文件中没有数据行。",)),
    File("no CSV", b"x", 415, "unsupported_media_type", content_type="image/png"),
    File("a row twice in a file", csv_of([_TWICE, _TWICE]).encode(), 201, rows=(1, 1)),
    File(
        *("a row twice in an archive", _zip(csv_of([one := award()]), csv_of([one])), 201),
        rows=(1, 1),
        content_type=_ZIP,
    ),
    File(
        *("no archive", b"PK", 400, "malformed_archive", ("文件已损坏，或不是有效的 ZIP 压缩包。",)),
        content_type=_ZIP,
    ),
)


async def test_each_bad_file_is_answered_with_its_words(cockpit: Cockpit) -> None:
    for one in FILES:
        before = await stored(cockpit)
        made = await cockpit.upload("award", "county", one.content, content_type=one.content_type)
        body = made.json()
        assert made.status_code == one.status, (one.case, body)
        if one.status == 201:
            assert (body["accepted"], body["rejected"]) == one.rows, one.case
            continue
        assert body["code"] == one.code, (one.case, body)
        said = [body["detail"], *(error["detail"] for error in body.get("errors") or ())]
        assert not one.words or tuple(said) == one.words, (one.case, said)
        assert await stored(cockpit) == before, one.case


async def test_a_record_in_another_file_or_from_another_source_is_refused_with_words(
    cockpit: Cockpit,
) -> None:
    row = award(amount="5")
    first = (await cockpit.upload("award", "county", csv_of([row]))).json()["id"]
    again = await cockpit.upload("award", "county", csv_of([row, award(amount="1")]))
    other = await cockpit.upload("award", "county", csv_of([{**row, "amount": "7"}]), source="另一来源")
    assert await report(cockpit, again) + await report(cockpit, other) == [
        ("already_counted", f"与批次 {first} 中已计入的记录完全相同，不重复计入"),
        (
            "record_conflict",
            f"批次 {first} 中已计入标识相同而内容不同的记录；如要更正，请作为更正批次上传",
        ),
    ]
    assert await amount(cockpit) == "6.00"


QUESTIONS = (
    ("a foreign reach", "sibling", 2017, 403, "out_of_reach"),
    ("a year without data", "county", 2031, 200, ""),
)


async def test_a_foreign_reach_and_100_000_groups_are_refused_and_an_empty_year_is_empty(
    cockpit: Cockpit,
) -> None:
    for case, unit, year, status, code in QUESTIONS:
        answer = await cockpit.http.get(
            "/api/v1/overview",
            params={"unit": str(cockpit.world[unit].id), "year": year},
            headers=cockpit.bearer(),
        )
        assert (answer.status_code, answer.json().get("code", "")) == (status, code), case
        if status == 200:
            assert answer.json()["awards"]["amount"]["yuan"] == "0.00"
    many = {
        "metrics": ["aid_amount", "aid_persons", "aid_person_times"],
        "comparisons": ["year_on_year"],
        "dimensions": ["stage", "programme"],
        "calendar": "term",
        "rows": "children",
        "periods": [f"{year}-{term}" for year in range(2010, 2026) for term in ("spring", "autumn")],
    }
    refused = await cockpit.http.post("/api/v1/query", json=many, headers=cockpit.bearer())
    assert (refused.status_code, refused.json()["code"]) == (400, "question_too_large")
    assert "50,000" in refused.json()["detail"]


async def test_two_batches_of_the_same_units_at_once_count_each_record_once(cockpit: Cockpit) -> None:
    shared = award(amount="5")
    files = [csv_of([shared, award(amount="1")]) for _ in range(2)]
    made = await asyncio.gather(*(cockpit.upload("award", "county", file) for file in files))
    assert [one.status_code for one in made] == [201, 201]
    assert sorted((one.json()["accepted"], one.json()["rejected"]) for one in made) == [(1, 1), (2, 0)]
    assert await amount(cockpit) == "7.00"
