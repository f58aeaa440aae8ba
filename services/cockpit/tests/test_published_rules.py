"""What must hold between published figures, and how far rounding excuses a difference."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit.published import rules
from cockpit.published.rules import BalanceName, Line, Verdict

YI = Decimal(10) ** 8
_STAGES = ["preschool", "compulsory", "general_high", "secondary_vocational", "higher"]


def line(
    amount: str, funding: str = "all", stage: str = "total", programme: str = "", region_group: str = ""
) -> Line:
    return Line(stage, funding, Decimal(amount) * YI, programme, region_group)


def verdicts(*lines: Line) -> dict[BalanceName, Verdict]:
    return {one.name: one.verdict for one in rules.balances(lines)}


@pytest.mark.parametrize(
    ("local", "verdict"),
    [("183.42", Verdict.EQUAL), ("183.41", Verdict.ROUNDING), ("183.12", Verdict.DIFFERENT)],
)
def test_parts_differ_from_their_total_by_rounding_at_most(local: str, verdict: Verdict) -> None:
    lines = [line("469.35", "government"), line("285.93", "central"), line(local, "local")]
    assert verdicts(*lines) == {BalanceName.CENTRAL_AND_LOCAL: verdict}


def test_the_money_of_banks_is_that_of_the_loans() -> None:
    lines = [line("10", "all"), line("6", "government"), line("4", "bank", programme="student_loan")]
    assert verdicts(*lines) == {BalanceName.SOURCES: Verdict.EQUAL}


def test_a_single_source_is_not_compared_with_all() -> None:
    assert verdicts(line("1882", "all"), line("1210.6", "government")) == {}


def test_stages_that_are_not_all_published_may_be_less_than_the_total_but_not_more() -> None:
    some = [line("10.1"), line("3", stage="preschool"), line("4", stage="compulsory")]
    assert verdicts(*some)[BalanceName.STAGES] is Verdict.PARTIAL
    more = [*some, line("5", stage="higher")]
    assert verdicts(*more)[BalanceName.STAGES] is Verdict.DIFFERENT


def test_higher_education_is_not_counted_again_in_its_stages() -> None:
    parts = [line("2", stage=stage) for stage in _STAGES]
    assert verdicts(line("10"), *parts, line("1", stage="doctor"))[BalanceName.STAGES] is Verdict.EQUAL


def test_programmes_and_regions_stay_within_their_total() -> None:
    assert verdicts(line("10"), line("11.5", programme="nutrition")) == {
        BalanceName.PROGRAMMES: Verdict.DIFFERENT
    }
    regions = [line("3", region_group=region) for region in ("east", "central", "west")]
    assert verdicts(line("9"), *regions) == {BalanceName.REGIONS: Verdict.EQUAL}
    assert verdicts(line("9"), *regions[:2]) == {BalanceName.REGIONS: Verdict.PARTIAL}


@pytest.mark.parametrize(
    ("share", "verdict"),
    [("64.33", Verdict.EQUAL), ("64.32", Verdict.ROUNDING), ("64.4", Verdict.DIFFERENT)],
)
def test_a_published_share_fits_the_rounded_figures(share: str, verdict: Verdict) -> None:
    government = Line("total", "government", Decimal("1210.6") * YI, share_percent=Decimal(share))
    assert verdicts(line("1882"), government) == {BalanceName.SHARE: verdict}


def test_a_difference_is_told_in_words() -> None:
    lines = [line("469.36", "government"), line("285.93", "central"), line("183.42", "local")]
    (balance,) = rules.balances(lines)
    assert rules.note(balance) == "分项之和比合计少 0.01 亿元（相差在四舍五入范围内）"


@given(
    parts=st.lists(st.integers(0, 10**14), min_size=5, max_size=5),
    digits=st.integers(0, 8),
)
def test_figures_rounded_from_exact_ones_are_never_called_different(parts: list[int], digits: int) -> None:
    unit = Decimal(10) ** digits

    def rounded(fen: int) -> Decimal:
        return (Decimal(fen) / 100 / unit).quantize(Decimal(1)) * unit

    lines = [Line("total", "all", rounded(sum(parts)))]
    lines += [Line(stage, "all", rounded(part)) for stage, part in zip(_STAGES, parts, strict=True)]
    (balance,) = rules.balances(lines)
    # A table whose figures all happen to be round tells less about its rounding, never more.
    assert balance.verdict in {Verdict.EQUAL, Verdict.ROUNDING}
    assert abs(balance.difference) <= 3 * rules.rounded_to(line.amount for line in lines)


@given(st.decimals(0, 10**15, places=2))
def test_figures_are_shown_to_the_last_digit(amount: Decimal) -> None:
    assert Decimal(rules.in_yi(amount)) * YI == amount
    assert "E" not in rules.in_yi(amount)
