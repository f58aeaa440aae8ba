"""What a feed declares is what is validated, stored, documented and offered as a template."""

import csv
import io
import json
import secrets
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cockpit.feeds import document, rules
from cockpit.feeds.columns import Column
from cockpit.feeds.declarations import AWARD, FEEDS, ORIGIN_COLUMNS, PAYMENT, Feed
from cockpit.feeds.judging import judge, judge_column
from cockpit.feeds.rules import RowError
from cockpit.feeds.templates import csv_template, xlsx_template
from cockpit.intake.csv_reader import CsvReader
from cockpit.intake.errors import WrongColumns
from cockpit.intake.files import PARQUET
from cockpit.intake.json_reader import JsonReader
from cockpit.intake.parquet_reader import ParquetReader
from cockpit.intake.seen import Seen, digests_of
from cockpit.intake.steps import Reader, Step, names_of
from cockpit.intake.xlsx_reader import XlsxReader
from filekit.sniff import XLSX
from filekit.xlsx_writer import Column as SheetColumn
from filekit.xlsx_writer import SheetWriter
from services.cockpit.tests.support.running_cockpit import Cockpit, amount, award, csv_of, stored

DOCUMENT = Path(__file__).parents[3] / "docs/feeds.md"
COLUMNS = [(feed, column) for feed in FEEDS.values() for column in feed.columns]

# What may be a number of a person, in groups or not.
PERSONAL = (
    r"[0-9A-Za-z]?[-_]?([GJLg]?[1-8][0-9]{5}[-_]?(19|20)?[0-9]{2}[-_]?[01][0-9][-_]?[0-3][0-9][-_]?[0-9]{3}[0-9Xx]?"
    r"|(86|0086)?[-_]?1[3-9][0-9][-_]?[0-9]{4}[-_]?[0-9]{4}"
    r"|(62|51|4[0-9])[0-9]{2}[-_]?([0-9]{4}[-_]?){3}[0-9]{0,3})[-_]?[0-9A-Za-z]?"
)


def examples(feed: Feed, **changes: str) -> dict[str, str]:
    return {column.name: column.example for column in feed.columns} | changes


def judged(feed: Feed, *rows: dict[str, str]) -> dict[int, list[str]]:
    """The codes of the errors of rows."""
    texts = {column.name: pa.array([row[column.name] for row in rows]) for column in feed.columns}
    return {row: [error.code for error in errors] for row, errors in judge(feed, texts).errors.items()}


def alone(column: Column, text: str) -> tuple[str | None, object]:
    """The code of the error and the value of one text by the column's rule."""
    try:
        return None, column.parse(text)
    except RowError as error:
        return error.code, None


def test_the_document_is_what_the_declarations_say() -> None:
    assert DOCUMENT.read_text() == document.document(), "run `make snapshots`"


@pytest.mark.parametrize("feed", FEEDS.values(), ids=lambda feed: feed.name)
def test_the_examples_of_a_feed_make_a_valid_row(feed: Feed) -> None:
    assert judged(feed, examples(feed)) == {}
    assert not any(feed.name_of(column.name) != column.name for column in feed.columns)


@pytest.mark.parametrize(("feed", "column"), COLUMNS, ids=lambda value: value.name)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_column_judges_many_texts_as_its_rule_judges_each(
    feed: Feed, column: Column, data: st.DataObject
) -> None:
    likely = st.from_regex(column.kind.sure, fullmatch=True) if column.kind.sure else st.just(column.example)
    digits = st.text("0123456789.-年月日/ １", max_size=24)
    kinds = st.one_of(likely, digits, st.from_regex(PERSONAL, fullmatch=True), st.text(max_size=30))
    texts = data.draw(st.lists(kinds, max_size=5))
    values, errors = judge_column(column, pa.array(texts, pa.string()))
    for place, text in enumerate(texts):
        code, expected = alone(column, text.strip(" \t\r\n\u00a0\u3000\ufeff"))
        assert (errors[place].code if place in errors else None) == code
        assert values[place].as_py() == expected


@pytest.mark.parametrize(
    ("feed", "changes", "codes"),
    [
        ("enrolment", {"left_on": "2021-01-01", "state": "离校"}, ["left_before_entered"]),
        ("enrolment", {"state": "毕业"}, ["left_on_missing"]),
        ("enrolment", {"left_on": "2024-01-01"}, ["left_on_unexpected"]),
        ("enrolment", {"left_on": "2021-02-30", "state": "离校"}, ["bad_date"]),
        ("hardship", {"valid_to": "2024-10-14"}, ["ends_before_start"]),
        ("hardship", {"hardship_type": "贫困"}, ["unknown_hardship_type"]),
        ("payment", {"paid_on": ""}, ["paid_on_missing"]),
        ("payment", {"state": "应发"}, ["paid_on_unexpected"]),
        ("payment", {"reversal_of": "P2024-000001"}, ["reverses_itself"]),
        ("payment", {"amount": "1,000.00"}, ["bad_number"]),
        ("fund_flow", {"from_level": "学校"}, ["wrong_direction"]),
        ("fund_flow", {"flow_kind": "收回"}, ["wrong_direction"]),
        ("fund_flow", {"amount": "10000000000000000"}, ["amount_too_large"]),
        ("loan", {"balance": "12000.01"}, ["balance_above_amount"]),
        ("loan", {"state": "已结清"}, ["settled_with_balance"]),
        ("loan", {"amount": "0.001"}, ["amount_not_exact"]),
        ("award", {"programme": "某项目", "amount": "-1"}, ["unknown_programme", "amount_not_positive"]),
        ("published_aggregate", {"region_group": "西部", "note": "电话13800138000"}, ["looks_like_phone"]),
    ],
)
def test_a_row_that_contradicts_itself_or_its_lists_says_why(
    feed: str, changes: dict[str, str], codes: list[str]
) -> None:
    declared = next(one for one in FEEDS.values() if one.name == feed)
    assert judged(declared, examples(declared), examples(declared, **changes)) == {1: codes}


@pytest.mark.parametrize("text", ["2024-03-01", "2024/3/1", "2024.3.1", "20240301", "2024年3月1日"])
def test_dates_are_read_in_five_habits(text: str) -> None:
    assert rules.day(text) == date(2024, 3, 1)


@pytest.mark.parametrize(
    "text", ["2024-3/1", "45352", "01/03/2024", "2024-13-01", "２０２４-03-01", "1899-01-01"]
)
def test_other_dates_are_refused(text: str) -> None:
    with pytest.raises(RowError, match="bad_date"):
        rules.day(text)


@pytest.mark.parametrize("text", ["2024", "2024-2025", "2024-25", "2024－2025", "2024学年"])
def test_a_school_year_is_the_year_in_which_it_begins(text: str) -> None:
    assert rules.school_year(text) == 2024


async def test_facts_have_the_columns_that_their_feed_declares(cockpit: Cockpit) -> None:
    for feed in FEEDS.values():
        rows = await cockpit.app.state.analytics.query(f"DESCRIBE TABLE {feed.table}")
        declared = {*ORIGIN_COLUMNS, *feed.derived, *(column.stored for column in feed.measures)}
        assert {row["name"] for row in rows} == declared, feed.name


@pytest.mark.parametrize("feed", FEEDS.values(), ids=lambda feed: feed.name)
def test_templates_have_the_headings_that_are_accepted(feed: Feed) -> None:
    filled = csv_template(feed) + ",".join(f'"{column.example}"' for column in feed.columns).encode()
    assert sum(len(step.numbers) for step in steps(CsvReader(io.BytesIO(filled), "utf-8", feed))) == 1
    with pytest.raises(Exception, match="empty_file"):
        steps(XlsxReader(io.BytesIO(xlsx_template(feed)), feed))


def steps(reader: Reader) -> list[Step]:
    found = []
    while not reader.ended:
        if reader.opened:
            found.append(reader.take())
        else:
            reader.open()
    reader.close()
    assert sum(len(step.numbers) + len(step.faulty) for step in found) == reader.rows
    return found


def faults(reader: Reader) -> list[tuple[int, str]]:
    return [(one.number, one.error.code) for step in steps(reader) for one in step.faulty]


def test_faults_of_json_lines_stay_with_their_lines() -> None:
    good = json.dumps(award())
    lines = [
        good,
        "{",
        "[1]",
        good[:-1] + ', "amount": 3}',
        good[:-1] + ', "colour": "red"}',
        json.dumps(award() | {"amount": [1]}),
        json.dumps(award() | {"amount": True}),
        good.replace('"625.00"', "NaN"),
        "[" * 100_000,
        '{"年度": 2017}',
        json.dumps(award() | {"amount": "\ud800"}),
        json.dumps(award() | {"amount": "\0"}),
    ]
    reader = JsonReader(io.BytesIO("\n".join(lines).encode()), AWARD)
    bad = [(number, "bad_json") for number in (2, 3, 6, 7, 8, 9, 11, 12)]
    assert sorted(faults(reader)) == sorted([*bad, (4, "unknown_field"), (5, "unknown_field")])


@pytest.mark.parametrize("key", ["37010219900101123X", "\ud800", "\0"])
def test_a_reason_does_not_quote_a_key_that_may_not_be_stored(key: str) -> None:
    for value in ("1", [1]):
        (step, *_) = steps(JsonReader(io.BytesIO(json.dumps({key: value}).encode()), AWARD))
        (faulty,) = step.faulty
        assert key not in faulty.error.reason
    with pytest.raises(WrongColumns) as refused:
        names_of(AWARD, [key])
    assert key not in repr(refused.value.errors)


def test_numbers_of_json_keep_their_digits() -> None:
    line = json.dumps(award()).replace('"625.00"', "0.1000000000000000055")
    (step, *_) = steps(JsonReader(io.BytesIO(line.encode()), AWARD))
    assert step.texts["amount"].to_pylist() == ["0.1000000000000000055"]


def parquet_of(columns: dict[str, Any], **options: Any) -> io.BytesIO:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, **options)
    return out


def test_types_of_parquet_become_the_texts_that_people_would_write() -> None:
    row: dict[str, Any] = {name: [text] for name, text in examples(PAYMENT).items()}
    row |= {
        "year": [2024],
        "amount": [Decimal("625.10")],
        "due_on": [date(2024, 5, 31)],
        "card_token": [None],
    }
    row["stage"] = pa.array(["compulsory"]).dictionary_encode()
    (step, *_) = steps(ParquetReader(parquet_of(row), PAYMENT))
    texts = {name: column.to_pylist()[0] for name, column in step.texts.items()}
    assert (texts["year"], texts["amount"], texts["due_on"], texts["card_token"], texts["stage"]) == (
        *("2024", "625.10", "2024-05-31", "", "compulsory"),
    )


def test_a_parquet_file_of_other_types_or_columns_is_refused() -> None:
    row = {name: [text] for name, text in award().items()}
    with pytest.raises(WrongColumns):
        steps(ParquetReader(parquet_of(row | {"colour": ["red"]}), AWARD))
    with pytest.raises(Exception, match="malformed_parquet"):
        steps(ParquetReader(parquet_of(row | {"amount": [[1]]}), AWARD))
    no_text = pa.array([b"\xff"], pa.binary()).view(pa.string())
    with pytest.raises(Exception, match="malformed_parquet"):
        steps(ParquetReader(parquet_of(row | {"programme": no_text}), AWARD))
    whole = parquet_of({name: values * 100 for name, values in row.items()}).getvalue()
    torn = io.BytesIO(whole[:40] + b"\x00" * 200 + whole[240:])
    with pytest.raises(Exception, match="malformed_parquet"):
        steps(ParquetReader(torn, AWARD))


def sheet_of(rows: list[dict[str, str]]) -> bytes:
    out = io.BytesIO()
    writer = SheetWriter(out, "数据", [SheetColumn(name) for name in rows[0]])
    writer.write(list(row.values()) for row in rows)
    writer.close()
    return out.getvalue()


async def test_the_same_rows_are_the_same_facts_in_every_format(cockpit: Cockpit) -> None:
    rows = [award(amount=f"{n}.5") for n in range(1, 4)] + [award(unit_code="999999", amount="-1")]
    files: dict[str, tuple[str, bytes]] = {
        "csv": ("text/csv", csv_of(rows).encode()),
        "xlsx": (XLSX, sheet_of(rows)),
        "jsonl": ("application/x-ndjson", "\n".join(map(json.dumps, rows)).encode()),
        "parquet": (PARQUET, parquet_of({name: [row[name] for row in rows] for name in rows[0]}).getvalue()),
    }
    for name, (media, content) in files.items():
        made = await cockpit.upload("award", "county", content, content_type=media)
        assert made.status_code == 201, made.text
        batch = made.json()
        assert (batch["format"], batch["accepted"], batch["rejected"]) == (name, 3, 1)
        assert await amount(cockpit) == "7.50"
        file = await cockpit.http.get(f"{made.headers['location']}/quarantine.csv", headers=cockpit.bearer())
        (_, row) = csv.reader(io.StringIO(file.text))
        assert row[1] == "amount_not_positive;unknown_unit"
        await cockpit.http.post(f"{made.headers['location']}/reverse", headers=cockpit.bearer())
    facts = await cockpit.app.state.analytics.query(
        "SELECT * EXCEPT (batch_id, load_id, recorded_at), count() AS n"
        " FROM award_facts WHERE sign > 0 GROUP BY ALL"
    )
    assert [fact["n"] for fact in facts] == [4, 4, 4]


@pytest.mark.parametrize(
    "feed", [feed for feed in FEEDS.values() if feed is not AWARD], ids=lambda feed: feed.name
)
async def test_rows_of_every_feed_are_stored_whole(cockpit: Cockpit, feed: Feed) -> None:
    row = examples(feed)
    made = await cockpit.upload(feed.name, "county", csv_of([row], list(row)))
    assert (made.status_code, made.json()["accepted"]) == (201, 1), made.text
    (fact,) = await cockpit.app.state.analytics.query(f"SELECT * FROM {feed.table}")
    for column in feed.measures:
        expected = column.parse(column.example)
        assert fact[column.stored] == ("" if expected is None and fact[column.stored] == "" else expected)
    again = await cockpit.upload(feed.name, "county", csv_of([row, row], list(row)))
    detail = (await cockpit.http.get(again.headers["location"], headers=cockpit.bearer())).json()
    counted = {} if feed.editions else {"already_counted": 1}
    assert detail["rejected_by_reason"] == {"duplicate_row": 1, **counted}


async def test_a_dry_run_says_what_would_happen_and_keeps_nothing(cockpit: Cockpit) -> None:
    rows = [award(), award(amount="-1", year="17"), award(unit_code="999999")]
    answer = await cockpit.http.post(
        "/api/v1/intake/checks",
        params={"feed": "award", "unit": str(cockpit.world["county"].id)},
        content=csv_of(rows).encode("gbk"),
        headers={**cockpit.bearer(), "Content-Type": "text/csv"},
    )
    found = answer.json()
    assert (answer.status_code, found["accepted"], found["rejected"]) == (200, 1, 2)
    assert (found["format"], found["encoding"]) == ("csv", "gb18030")
    assert found["rejected_by_reason"] == {"bad_year": 1, "amount_not_positive": 1, "unknown_unit": 1}
    assert [row["line"] for row in found["rows"]] == [3, 4]
    assert [error["column"] for error in found["rows"][0]["errors"]] == ["year", "amount"]
    assert await stored(cockpit) == (0, 0, 0)


async def test_a_quarantine_is_corrected_and_sent_as_it_was_downloaded(cockpit: Cockpit) -> None:
    bad = [award(amount="-1"), award(amount="-2", unit_code="999999"), award()]
    made = await cockpit.upload("award", "county", csv_of([award(amount="4"), *bad[:2]]))
    file = await cockpit.http.get(f"{made.headers['location']}/quarantine.csv", headers=cockpit.bearer())
    assert "'-1" in file.text
    half = await cockpit.upload("award", "county", file.text.replace("999999", bad[0]["unit_code"]))
    assert (half.json()["accepted"], half.json()["status"]) == (0, "rejected")
    detail = (await cockpit.http.get(half.headers["location"], headers=cockpit.bearer())).json()
    assert detail["rejected_by_reason"] == {"amount_not_positive": 2}
    text = file.text.replace("999999", bad[0]["unit_code"]).replace("'-", "")
    corrected = await cockpit.upload("award", "county", text)
    assert (corrected.json()["accepted"], corrected.json()["rejected"]) == (2, 0)
    assert await amount(cockpit) == "7.00"


TOKENS: tuple[Callable[[int], str], ...] = (lambda n: f"r-{n}", lambda n: str(n) + "0" * (n % 3))


@pytest.mark.parametrize("token", TOKENS)
def test_a_key_that_was_seen_before_is_found_in_any_run(token: Callable[[int], str]) -> None:
    seen, known = Seen(), set[str]()
    for _ in range(40):
        keys = [token(secrets.randbelow(3_000)) for _ in range(100)]
        expected = []
        for key in keys:
            expected.append(key in known)
            known.add(key)
        assert seen.add(digests_of(keys)).tolist() == expected
    assert sum(map(len, seen._runs)) == len(known)
