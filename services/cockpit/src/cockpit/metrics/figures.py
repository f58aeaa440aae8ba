"""Figures: exact values or the reason for their absence, and how they are written. Pure functions.

Values are fractions until they are written, so that nothing is rounded twice. Rounding is half up, away from
zero (四舍五入), to the decimals of the unit.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from contracts.vocabulary import Vocabulary

YI = 10**8
WAN = 10**4


class Absence(Vocabulary):
    """Why a figure has no value."""

    NO_DATA = "no_data", "无数据"
    NO_BASE = "no_base", "无可比基数"
    NOT_KEPT = "not_kept", "该层级或条件下不提供"
    SUPPRESSED = "suppressed", "人数较少，不予显示"


class Unit(Vocabulary):
    """What figures are counted in (计量单位)."""

    YUAN = "yuan", "元"
    PERSONS = "persons", "人"
    TIMES = "times", "人次"
    LOANS = "loans", "笔"
    PERCENT = "percent", "%"
    POINTS = "points", "百分点"
    DAYS = "days", "天"
    YUAN_PER_PERSON = "yuan_per_person", "元/人"
    YUAN_PER_TIME = "yuan_per_time", "元/人次"
    TIMES_PER_PERSON = "times_per_person", "次/人"

    @property
    def decimals(self) -> int:
        """Decimals of the exact text."""
        return 0 if self in _WHOLE else 2

    @property
    def is_share(self) -> bool:
        """Return whether two figures are compared by their difference, in 百分点, and not by their ratio."""
        return self in (Unit.PERCENT, Unit.POINTS)


_WHOLE = (Unit.PERSONS, Unit.TIMES, Unit.LOANS)
_COUNTED = (*_WHOLE, Unit.YUAN)


@dataclass(frozen=True, slots=True)
class Figure:
    """A value, or the reason why there is none."""

    value: Fraction | None
    absent: Absence | None = None

    @property
    def suppressed(self) -> bool:
        """Return whether the value exists and must not be shown."""
        return self.absent is Absence.SUPPRESSED


NO_DATA = Figure(None, Absence.NO_DATA)
NO_BASE = Figure(None, Absence.NO_BASE)
NOT_KEPT = Figure(None, Absence.NOT_KEPT)
SUPPRESSED = Figure(None, Absence.SUPPRESSED)


def _lacking(*figures: Figure) -> Figure | None:
    """Return the figure that decides, if one has no value: what is suppressed makes the result so, too."""
    lacking = [figure for figure in figures if figure.value is None]
    return next((figure for figure in lacking if figure.suppressed), lacking[0] if lacking else None)


def ratio(part: Figure, whole: Figure, *, percent: bool = False) -> Figure:
    """Return part ÷ whole. A whole of zero gives no value."""
    lacking = _lacking(part, whole)
    if lacking is not None:
        return lacking
    assert part.value is not None
    if not whole.value:
        return NO_BASE
    return Figure(part.value / whole.value * (100 if percent else 1))


def difference(whole: Figure, *parts: Figure) -> Figure:
    """Return the whole less the parts."""
    lacking = _lacking(whole, *parts)
    if lacking is not None:
        return lacking
    assert whole.value is not None
    return Figure(whole.value - sum((part.value or Fraction(0) for part in parts), Fraction(0)))


def total(figures: Iterable[Figure]) -> Figure:
    """Return the sum of the values there are; no value if there are none, or if one is suppressed."""
    given = list(figures)
    values = [figure.value for figure in given if figure.value is not None]
    if any(figure.suppressed for figure in given):
        return SUPPRESSED
    return Figure(sum(values, Fraction(0))) if values else NO_DATA


def growth(now: Figure, before: Figure, unit: Unit) -> Figure:
    """Return the change from `before` in %, or in 百分点 if the figures are shares.

    A base of zero, or a missing one, gives no value: never 100 %.
    """
    lacking = _lacking(now, before)
    if lacking is not None:
        return lacking if lacking.suppressed or now.value is None else NO_BASE
    assert now.value is not None
    assert before.value is not None
    if unit.is_share:
        return Figure(now.value - before.value)
    if before.value <= 0:
        return NO_BASE
    return Figure((now.value - before.value) / before.value * 100)


def rounded(value: Fraction, decimals: int) -> Decimal:
    """Round half up, away from zero."""
    scaled = abs(value) * 10**decimals
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    sign = -1 if value < 0 and whole else 1
    return Decimal(sign * whole).scaleb(-decimals)


def exact(figure: Figure, unit: Unit) -> str | None:
    """Return the plain text of a value, `121060000000.00`, in the unit's decimals; None without a value."""
    return None if figure.value is None else f"{rounded(figure.value, unit.decimals):f}"


def display(figure: Figure, unit: Unit) -> str:
    """Return the text for people: 亿 from a hundred million, 万 from ten thousand, at most two decimals.

    Without a value it is `—`, or `*` if the value is suppressed.
    """
    if figure.value is None:
        return "*" if figure.suppressed else "—"
    value, label = figure.value, unit.label
    if unit in _COUNTED and abs(value) >= YI:
        return f"{_short(value / YI)} 亿{label}"
    if unit in _COUNTED and abs(value) >= WAN:
        return f"{_short(value / WAN)} 万{label}"
    text = f"{rounded(value, unit.decimals):,f}"
    return f"{text}{label}" if unit is Unit.PERCENT else f"{text} {label}"


def display_change(figure: Figure, unit: Unit) -> str:
    """Return the text of a change, with its sign."""
    text = display(figure, unit)
    return f"+{text}" if figure.value is not None and rounded(figure.value, 2) > 0 else text


def _short(value: Fraction) -> str:
    text = f"{rounded(value, 2):,f}"
    return text.rstrip("0").rstrip(".")


def yuan(amount: Decimal) -> str:
    """Format exactly, with two decimals and no separators: `121060000000.00`."""
    return f"{amount.quantize(Decimal('0.01'), ROUND_HALF_UP):.2f}"
