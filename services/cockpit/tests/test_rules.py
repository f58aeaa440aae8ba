"""What fields may hold, and how money is shown."""

import contextlib
import secrets
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit.intake import rules
from cockpit.intake.feeds import FEEDS
from cockpit.intake.rules import RowError
from cockpit.overview.rules import Line, checks, display, yuan


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
    taken = sum(rules.holds_id_number(secrets.token_hex(32)) for _ in range(5_000))
    assert taken <= 1


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
        ("1000000", "0.01 亿元"),
        ("999999.99", "100 万元"),
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
    return Line(stage, funding, stage == rules.TOTAL, Decimal(amount), None, None)


def test_a_table_without_both_sides_has_no_checks() -> None:
    assert checks([]) == []
    assert checks([line("primary", "government", 5)]) == [], "stages without a total"
    assert checks([line(rules.TOTAL, "government", 5)]) == [], "a total without stages"


def test_a_check_compares_what_the_table_has() -> None:
    government = line(rules.TOTAL, "government", 5)
    (stages,) = checks([government, line("primary", "government", 2), line("junior", "government", 3)])
    assert (stages.name, stages.equal) == ("stages_equal_government", True)
    (sources,) = checks([government, line(rules.TOTAL, "central", 2), line(rules.TOTAL, "local", 2)])
    assert (sources.name, sources.equal) == ("central_and_local_equal_government", False)
