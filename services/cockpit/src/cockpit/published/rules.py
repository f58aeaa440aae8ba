"""What must hold between the figures of a published table (勾稽关系). Pure functions.

Published figures are rounded, so parts and total may differ by the rounding of each of them. How far a table
is rounded follows from its figures: the largest power of ten that all of them are multiples of.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from itertools import groupby

from contracts.vocabulary import Stage, Vocabulary

ALL = ""
"""The programme or region group of a line that is about all of them."""
TOTAL = "total"
"""The stage of a line that is about all stages."""
HIGHER = "higher"
_OF_HIGHER = (Stage.HIGHER_VOCATIONAL, Stage.UNDERGRADUATE, Stage.MASTER, Stage.DOCTOR)
_BELOW_HIGHER = (Stage.PRESCHOOL, Stage.COMPULSORY, Stage.GENERAL_HIGH, Stage.SECONDARY_VOCATIONAL)
_SOURCES = ("government", "bank", "school", "social", "placement")
"""The sources that add up to all; `central` and `local` are parts of `government`."""
_REGIONS = ("east", "central", "west")
_YI = Decimal(10) ** 8
_FEN = Decimal("0.01")


class BalanceName(Vocabulary):
    """What is compared."""

    CENTRAL_AND_LOCAL = "central_and_local", "中央财政+地方财政=财政"
    SOURCES = "sources", "各资金来源之和=全部来源"
    STAGES = "stages", "分学段之和=合计"
    PROGRAMMES = "programmes", "分项目之和不大于合计"
    REGIONS = "regions", "东部+中部+西部=全国"
    SHARE = "share", "金额÷全部来源=公布的占比"


class Verdict(Vocabulary):
    """Whether two published figures agree."""

    EQUAL = "equal", "相等"
    ROUNDING = "rounding", "相差在四舍五入范围内"
    PARTIAL = "partial", "分项未列全，不作比较"
    DIFFERENT = "different", "不相等"


@dataclass(frozen=True)
class Line:
    """One line of a published table; the amount in yuan, the share in percent."""

    stage: str
    funding: str
    amount: Decimal
    programme: str = ALL
    region_group: str = ALL
    share_percent: Decimal | None = None
    persons: int | None = None
    person_times: int | None = None

    @property
    def where(self) -> tuple[str, str, str]:
        """What the line is about, apart from the source of funds."""
        return self.stage, self.programme, self.region_group


@dataclass(frozen=True)
class Balance:
    """A comparison: `parts` is the sum of the parts, `whole` what was published; both in yuan or percent.

    `line` is the line that the parts are compared with.
    """

    name: BalanceName
    line: Line
    parts: Decimal
    whole: Decimal
    verdict: Verdict

    @property
    def difference(self) -> Decimal:
        """How much the parts are more than the whole."""
        return self.parts - self.whole


def rounded_to(amounts: Iterable[Decimal]) -> Decimal:
    """Return to which power of ten, in yuan, amounts are rounded; at most 亿元, at least fen."""
    unit = _YI
    found = [amount for amount in amounts if amount]
    while unit > _FEN and any(amount % unit for amount in found):
        unit /= 10
    return unit


def balances(lines: Sequence[Line]) -> list[Balance]:
    """Return every comparison for which a table has both sides, in the order of `BalanceName`."""
    unit = rounded_to(line.amount for line in lines)
    at = {(*line.where, line.funding): line for line in lines}
    found = [
        *_central_and_local(lines, at, unit),
        *_sources(lines, at, unit),
        *_stages(lines, unit),
        *_programmes(lines, at, unit),
        *_regions(lines, at, unit),
        *_shares(lines, at, unit),
    ]
    order = list(BalanceName)
    return sorted(found, key=lambda one: order.index(one.name))


_Lines = Mapping[tuple[str, str, str, str], Line]


def _judged(
    name: BalanceName, whole: Line, parts: Sequence[Decimal], unit: Decimal, *, complete: bool = True
) -> Balance:
    left, right = sum(parts, Decimal(0)), whole.amount
    # Each figure is off by half a unit at most.
    slack = unit * (len(parts) + 1) / 2
    if left == right:
        verdict = Verdict.EQUAL
    elif not complete and left < right:
        verdict = Verdict.PARTIAL
    else:
        verdict = Verdict.ROUNDING if abs(left - right) <= slack else Verdict.DIFFERENT
    return Balance(name, whole, left, right, verdict)


def _central_and_local(lines: Sequence[Line], at: _Lines, unit: Decimal) -> Iterator[Balance]:
    for line in lines:
        if line.funding == "government":
            parts = [at.get((*line.where, funding)) for funding in ("central", "local")]
            amounts = [part.amount for part in parts if part is not None]
            if len(amounts) == len(parts):
                yield _judged(BalanceName.CENTRAL_AND_LOCAL, line, amounts, unit)


def _sources(lines: Sequence[Line], at: _Lines, unit: Decimal) -> Iterator[Balance]:
    for line in lines:
        if line.funding == "all":
            amounts = [amount for source in _SOURCES if (amount := _source(line, lines, at, source))]
            if len(amounts) > 1:
                yield _judged(BalanceName.SOURCES, line, amounts, unit)


def _source(whole: Line, lines: Sequence[Line], at: _Lines, funding: str) -> Decimal | None:
    """Return what one source gave: of the line without a programme, else of those with one.

    A bank's money is published with the loans that it is for, and nowhere else.
    """
    own = at.get((*whole.where, funding))
    if own is not None:
        return own.amount
    if whole.programme != ALL or funding != "bank":
        return None
    parts = [
        line.amount
        for line in lines
        if line.funding == funding
        and line.programme != ALL
        and (line.stage, line.region_group) == (whole.stage, whole.region_group)
    ]
    return sum(parts, Decimal(0)) if parts else None


def _stages(lines: Sequence[Line], unit: Decimal) -> Iterator[Balance]:
    for line in lines:
        if line.stage != TOTAL:
            continue
        of = {
            other.stage: other.amount
            for other in lines
            if other.stage != TOTAL
            and (other.funding, other.programme, other.region_group)
            == (line.funding, line.programme, line.region_group)
        }
        if HIGHER in of:
            of = {stage: amount for stage, amount in of.items() if stage not in _OF_HIGHER}
        if len(of) > 1:
            complete = of.keys() >= {*_BELOW_HIGHER} and (HIGHER in of or of.keys() >= {*_OF_HIGHER})
            yield _judged(BalanceName.STAGES, line, list(of.values()), unit, complete=complete)


def _programmes(lines: Sequence[Line], at: _Lines, unit: Decimal) -> Iterator[Balance]:
    def key(line: Line) -> tuple[str, str, str]:
        return line.stage, line.funding, line.region_group

    divided = sorted((line for line in lines if line.programme != ALL), key=key)
    for (stage, funding, region), group in groupby(divided, key):
        whole = at.get((stage, ALL, region, funding))
        if whole is not None:
            amounts = [line.amount for line in group]
            yield _judged(BalanceName.PROGRAMMES, whole, amounts, unit, complete=False)


def _regions(lines: Sequence[Line], at: _Lines, unit: Decimal) -> Iterator[Balance]:
    for line in lines:
        if line.region_group == ALL:
            parts = [at.get((line.stage, line.programme, region, line.funding)) for region in _REGIONS]
            amounts = [part.amount for part in parts if part is not None]
            if amounts:
                complete = len(amounts) == len(parts)
                yield _judged(BalanceName.REGIONS, line, amounts, unit, complete=complete)


def _shares(lines: Sequence[Line], at: _Lines, unit: Decimal) -> Iterator[Balance]:
    for line in lines:
        whole = at.get((*line.where, "all"))
        if line.share_percent is None or whole is None or whole.amount <= unit or line is whole:
            continue
        share, last = line.share_percent, _last_digit(line.share_percent)
        exact = line.amount / whole.amount * 100
        least = (line.amount - unit / 2) / (whole.amount + unit / 2) * 100 - last / 2
        most = (line.amount + unit / 2) / (whole.amount - unit / 2) * 100 + last / 2
        computed = exact.quantize(last, ROUND_HALF_UP)
        if computed == share:
            verdict = Verdict.EQUAL
        else:
            verdict = Verdict.ROUNDING if least <= share <= most else Verdict.DIFFERENT
        yield Balance(BalanceName.SHARE, line, computed, share, verdict)


def _last_digit(value: Decimal) -> Decimal:
    exponent = value.normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return Decimal(1).scaleb(min(exponent, 0))


def note(balance: Balance) -> str | None:
    """Return the sentence that a page shows beside a total, None if the figures are equal."""
    if balance.verdict is Verdict.EQUAL:
        return None
    if balance.name is BalanceName.SHARE:
        size = f"计算为 {plain(balance.parts)}%，公布为 {plain(balance.whole)}%"
    else:
        word = "多" if balance.difference > 0 else "少"
        size = f"分项之和比合计{word} {plain(abs(balance.difference) / _YI)} 亿元"
    return f"{size}（{balance.verdict.label}）"


def in_yi(amount: Decimal) -> str:
    """Return an amount in yuan as 亿元, exactly: `955.84`."""
    return plain(amount / _YI)


def in_wan(count: int) -> str:
    """Return a number as 万, exactly: `4281.82`."""
    return plain(Decimal(count) / 10_000)


def plain(value: Decimal) -> str:
    """Return a number without an exponent and without zeros at the end."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def disagreeing(totals: Sequence[tuple[Decimal, int | None, int | None]]) -> bool:
    """Return whether totals of one year (amount, persons, person-times) are not all the same."""
    return len(set(totals)) > 1
