"""What fields may hold, and how money is shown."""

import contextlib
import csv
import io
import re
import secrets
from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit.feeds import personal, rules
from cockpit.feeds.declarations import FEEDS
from cockpit.feeds.rules import RowError
from cockpit.feeds.values import TOTAL
from cockpit.intake.lines import fields_of
from cockpit.overview.rules import checks, display, yuan
from cockpit.published.rules import Line, Verdict

TOKENS: tuple[Callable[[], str], ...] = (
    lambda: secrets.token_hex(32),
    lambda: secrets.token_urlsafe(18),
    lambda: str(uuid4()),
)


@given(st.integers(0, 10**17))
def test_yi_becomes_yuan_exactly(fen: int) -> None:
    amount = Decimal(fen) / 100
    assert rules.yi_yuan(f"{amount / 10**8:f}") == amount


@given(st.integers(1, 10**10))
def test_an_award_keeps_every_fen(fen: int) -> None:
    assert rules.yuan(f"{Decimal(fen) / 100:f}") * 100 == fen


@given(st.text(max_size=40))
def test_no_text_makes_a_parser_fail_otherwise_than_by_refusing(value: str) -> None:
    for feed in FEEDS.values():
        for column in feed.columns:
            with contextlib.suppress(RowError):
                column.parse(value)


def test_random_tokens_are_hardly_ever_taken_for_id_numbers() -> None:
    taken = sum(bool(personal.find(make())) for make in TOKENS for _ in range(2_500))
    assert taken <= 2


@pytest.mark.parametrize(
    ("text", "code", "masked"),
    [
        ("助学金 370102 19800101 0013", personal.ID_NUMBER, "助学金 370102 ******** ****"),
        ("３７０１０２－１９８００１０１－００１３", personal.ID_NUMBER, "３７０１０２－********－****"),
        ("3 7 0 1 0 2 1 9 8 0 0 1 0 1 0 0 1 3", personal.ID_NUMBER, "3 7 0 1 0 2" + " *" * 12),
        ("2017_370102\u200b19800101001x", personal.ID_NUMBER, "2017_370102\u200b************"),
        ("370102-800101-001", personal.ID_NUMBER, "370102-******-***"),
        ("g370102198001010013", personal.ID_NUMBER, "g370102************"),
        ("电话13800138000。", personal.PHONE, "电话138********。"),
        ("138-0013-8000", personal.PHONE, "138-****-****"),
        ("6222 0212 3456 7890 128", personal.BANK_CARD, "6222 02** **** **** ***"),
        ("4111111111111111", personal.BANK_CARD, "411111**********"),
    ],
)
def test_personal_numbers_are_found_however_they_are_written(text: str, code: str, masked: str) -> None:
    assert {found.code for found in personal.find(text)} == {code}
    assert personal.mask(text) == masked
    for parse in (rules.text(64, "资助项目"), rules.record_id, rules.person_token):
        with pytest.raises(RowError) as caught:
            parse(text)
        assert caught.value.code == code


@given(
    before=st.lists(st.text("23456789", min_size=1, max_size=5), max_size=60),
    cuts=st.sets(st.integers(1, 17)),
    apart=st.text(" -_./:、，～\u3000\u200b—", min_size=1, max_size=6),
    after=st.lists(st.text("0123456789", min_size=1, max_size=3), max_size=3),
)
def test_no_number_of_digits_around_an_id_number_hides_it(
    before: list[str], cuts: set[int], apart: str, after: list[str]
) -> None:
    number = "370102198001010013"
    ends = [0, *sorted(cuts), 18]
    groups = [number[a:b] for a, b in pairwise(ends)]
    text = apart.join([*before, *groups, *after])
    assert personal.ID_NUMBER in {found.code for found in personal.find(text)}
    # The place may stay, and what is not part of a number.
    assert "80010100" not in re.sub(r"[^0-9*]", "", personal.mask(text))
    with pytest.raises(RowError):
        rules.text(2_000, "备注")(text)


@pytest.mark.parametrize(
    "text",
    [
        "China Daily, 2018-03-14",
        "教财〔2018〕16号",
        "r-2017-000123",
        "20170901000012345",
        "A13800138000",
        "2013-2014",
    ],
)
def test_what_is_no_personal_number_is_left_alone(text: str) -> None:
    assert personal.find(text) == []
    assert personal.mask(text) == text


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("a,b,", ["a", "b", ""]),
        ('"a,""b""", "c" ,d', ['a,"b"', "c ", "d"]),
        ('a"b,c', None),
        ('"a,b', None),
        ('"a"b,c', None),
        ('a,b"', None),
    ],
)
def test_a_quote_belongs_to_a_quoted_field_that_ends_on_its_line(line: str, fields: list[str] | None) -> None:
    if fields is None:
        with pytest.raises(RowError, match="bad_quotes"):
            fields_of(line)
    else:
        assert fields_of(line) == fields


@given(st.lists(st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), max_size=20), min_size=1))
def test_what_a_csv_writer_writes_on_one_line_is_read_back(fields: list[str]) -> None:
    out = io.StringIO()
    csv.writer(out).writerow(fields)
    assert fields_of(out.getvalue().removesuffix("\r\n")) == fields


@pytest.mark.parametrize("value", ["1,000", "１", "1e3", "nan", "inf", "0x1", "+1", "", " 1", "1.", "--1"])
def test_only_plain_decimal_numbers_are_numbers(value: str) -> None:
    with pytest.raises(RowError):
        rules.yuan(value)


@pytest.mark.parametrize(
    ("parse", "value", "code"),
    [
        (rules.yuan, "0", "amount_not_positive"),
        (rules.yuan, "0.001", "amount_not_exact"),
        (rules.yuan, "100000000.01", "amount_too_large"),
        (rules.yi_yuan, "-0.01", "amount_out_of_range"),
        (rules.yi_yuan, "100000000", "amount_out_of_range"),
        (rules.yi_yuan, "0.00000000001", "amount_not_exact"),
        (rules.percent, "100.0001", "bad_percent"),
        (rules.percent, "-1", "bad_percent"),
        (rules.percent, "1.00001", "bad_percent"),
        (rules.wan_persons, "0.00001", "bad_persons"),
        (rules.wan_persons, "-1", "bad_persons"),
    ],
)
def test_a_figure_out_of_bounds_or_not_exact_is_refused(
    parse: Callable[[str], object], value: str, code: str
) -> None:
    with pytest.raises(RowError) as caught:
        parse(value)
    assert caught.value.code == code


def test_figures_of_published_tables_are_taken_at_their_bounds() -> None:
    assert rules.yi_yuan("0.0000000001") == Decimal("0.01")
    assert [rules.percent(share) for share in ("0", "100", "62.5432")] == [0, 100, Decimal("62.5432")]
    assert rules.wan_persons("1.2345") == 12345


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("121060000000", "1,210.6 亿元"),
        ("188200000000", "1,882 亿元"),
        ("100000000", "1 亿元"),
        ("99999999.99", "10,000 万元"),
        ("5216000", "521.6 万元"),
        ("12345", "1.23 万元"),
        ("9999.99", "9,999.99 元"),
        ("0", "0.00 元"),
    ],
)
def test_money_is_shown_in_the_unit_people_use(amount: str, shown: str) -> None:
    assert display(Decimal(amount)) == shown


def test_money_for_machines_is_exact() -> None:
    assert yuan(Decimal("121060000000")) == "121060000000.00"


def line(stage: str, funding: str, amount: int) -> Line:
    return Line(stage, funding, Decimal(amount))


def test_a_table_without_both_sides_has_no_checks() -> None:
    assert checks([]) == []
    assert checks([line("primary", "government", 5)]) == [], "stages without a total"
    assert checks([line(TOTAL, "government", 5)]) == [], "a total without stages"


def test_a_check_compares_what_the_table_has() -> None:
    government = line(TOTAL, "government", 5)
    ((name, stages),) = checks(
        [government, line("primary", "government", 2), line("junior", "government", 3)]
    )
    assert (name, stages.verdict) == ("stages_equal_government", Verdict.EQUAL)
    ((name, sources),) = checks([government, line(TOTAL, "central", 2), line(TOTAL, "local", 1)])
    assert (name, sources.verdict) == ("central_and_local_equal_government", Verdict.DIFFERENT)
