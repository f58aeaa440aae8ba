"""Which standard is in force, and how an amount per head compares with it. Pure functions.

A standard is an amount for a person and a school year. A programme pays it by terms or once a year, so a
period that two versions share (a new one begins with a term) is composed of its terms.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from contracts.vocabulary import Vocabulary

COUNTRY = "000000"
"""The region of a standard that holds everywhere (GB/T 2260)."""
EVERY = ""
"""The stage of a standard that holds for every stage of its programme."""
_FEN = Decimal("0.01")
_DAY_IN = {"spring": (3, 1), "autumn": (9, 1)}
"""The day of a term on which its standard is looked up: 1 March and 1 September."""


class Tier(Vocabulary):
    """What a standard depends on besides programme, stage and region (档)."""

    NONE = "none", "不分档"
    PRIMARY_BOARDING = "primary_boarding", "小学寄宿生"
    PRIMARY_DAY = "primary_day", "小学非寄宿生"
    JUNIOR_BOARDING = "junior_boarding", "初中寄宿生"
    JUNIOR_DAY = "junior_day", "初中非寄宿生"
    NATIONAL_PILOT = "national_pilot", "国家试点"
    LOCAL_PILOT = "local_pilot", "地方试点"
    CENTRAL_INSTITUTION = "central_institution", "中央部门所属高校"
    LOCAL_INSTITUTION = "local_institution", "地方所属高校"
    FIRST = "first", "一档"
    SECOND = "second", "二档"
    THIRD = "third", "三档"


class Basis(Vocabulary):
    """How a standard is paid."""

    TERMS = "terms", "元/人·学年，按学期发放"
    ONCE = "once", "元/人·学年，每学年秋季一次发放"
    DAYS = "days", "元/人·天"
    EXEMPT = "exempt", "免收，按当地收费标准"


class Certainty(Vocabulary):
    """How well the figure is known. Only `verified` may be presented as certain."""

    VERIFIED = "verified", "已核对来源原文"
    SECONDARY = "secondary", "转引，发布前须核对原文"
    DERIVED = "derived", "由已公布的数据推算"
    UNVERIFIED = "unverified", "未找到出处，不得作为依据"


class Compared(Vocabulary):
    """How an amount per head compares with the standard."""

    BELOW = "below", "低于标准"
    EQUAL = "equal", "等于标准"
    WITHIN = "within", "在标准范围内"
    ABOVE = "above", "高于标准"
    UNKNOWN = "unknown", "没有可比的标准"


class Calendar(Vocabulary):
    """The kinds of periods for which a standard is composed."""

    YEAR = "year", "自然年"
    SCHOOL_YEAR = "school_year", "学年"
    TERM = "term", "学期"


@dataclass(frozen=True)
class Version:
    """One version of a standard, in force from `valid_from` to `valid_to`, both included; None is open.

    `amount` is what is paid, or paid on average; `lowest` and `highest` bound it. `days` a year, for `DAYS`.
    """

    programme: str
    stage: str
    tier: Tier
    region: str
    valid_from: date | None
    valid_to: date | None
    basis: Basis
    certainty: Certainty
    amount: Decimal | None = None
    lowest: Decimal | None = None
    highest: Decimal | None = None
    days: int | None = None
    document_number: str = ""
    source: str = ""

    @property
    def key(self) -> tuple[str, str, Tier, str]:
        """What no two versions of one day share."""
        return self.programme, self.stage, self.tier, self.region

    def holds(self, on: date) -> bool:
        """Return whether the version is in force on a day."""
        return (self.valid_from is None or self.valid_from <= on) and (
            self.valid_to is None or on <= self.valid_to
        )

    @property
    def yearly(self) -> "Level":
        """The standard for a whole school year, in yuan."""
        factor = Decimal(self.days) if self.basis is Basis.DAYS and self.days else Decimal(1)

        def times(value: Decimal | None) -> Decimal | None:
            return None if value is None else value * factor

        if self.basis is Basis.DAYS and not self.days:
            return Level(None, None, None, (self,))
        return Level(times(self.amount), times(self.lowest), times(self.highest), (self,))


@dataclass(frozen=True)
class Level:
    """What a person gets in a period, in yuan; `versions` are those that it is composed of.

    Without `amount` only the bounds are known: a limit, or several tiers of which the facts do not say which.
    """

    amount: Decimal | None
    lowest: Decimal | None
    highest: Decimal | None
    versions: tuple[Version, ...]

    @property
    def straddles(self) -> bool:
        """Whether a new version begins inside the period."""
        return len(self.versions) > len({version.key for version in self.versions})

    @property
    def certain(self) -> bool:
        """Whether every version has been verified."""
        return all(version.certainty is Certainty.VERIFIED for version in self.versions)

    @property
    def known(self) -> bool:
        """Whether there is anything to compare with."""
        return self.amount is not None or self.lowest is not None or self.highest is not None


@dataclass(frozen=True)
class Comparison:
    """An amount per head (yuan, to the fen) beside the standard; `difference` is from the amount or bound."""

    per_head: Decimal | None
    verdict: Compared
    level: Level | None
    difference: Decimal | None


def overlap(one: Version, other: Version) -> bool:
    """Return whether two versions of one key have a day in common."""
    if one.key != other.key:
        return False
    first, second = one.valid_from or date.min, other.valid_from or date.min
    return max(first, second) <= min(one.valid_to or date.max, other.valid_to or date.max)


def regions_of(code: str) -> list[str]:
    """Return a region and those that contain it, the smallest first: county, city, province, country."""
    return list(dict.fromkeys((code, f"{code[:4]}00", f"{code[:2]}0000", COUNTRY)))


class Book:
    """All versions that are not withdrawn, for many look-ups in memory: there are some hundreds."""

    def __init__(self, versions: Iterable[Version]) -> None:
        self._by_programme: dict[str, list[Version]] = {}
        for version in versions:
            self._by_programme.setdefault(version.programme, []).append(version)

    def on(
        self,
        programme: str,
        on: date,
        *,
        stage: str | None = None,
        tier: Tier | None = None,
        region: str = COUNTRY,
    ) -> list[Version]:
        """Return the versions in force on a day: one for each stage and tier that was not given.

        Of several regions that contain the place, the smallest decides; a version for the stage goes before
        one for every stage.
        """
        order = regions_of(region)
        best: dict[tuple[str, Tier], Version] = {}
        for version in self._by_programme.get(programme, ()):
            if (
                version.region not in order
                or not version.holds(on)
                or (tier is not None and version.tier is not tier)
                or (stage is not None and version.stage not in {stage, EVERY})
            ):
                continue
            key = version.stage, version.tier
            if key not in best or order.index(version.region) < order.index(best[key].region):
                best[key] = version
        if stage is not None:
            own = {version.tier for version in best.values() if version.stage == stage}
            best = {
                key: version
                for key, version in best.items()
                if version.stage == stage or version.tier not in own
            }
        return sorted(best.values(), key=lambda one: (one.stage, list(Tier).index(one.tier)))

    def over(
        self,
        programme: str,
        calendar: Calendar,
        period: str,
        *,
        stage: str | None = None,
        tier: Tier | None = None,
        region: str = COUNTRY,
    ) -> Level | None:
        """Return what a person gets in a period (`2024`, `2024-autumn`); None if that is not known.

        What is paid by terms is composed of the terms of the period, each with half of the yearly standard
        that is in force when it begins. What is paid once counts in the autumn. Several stages or tiers give
        the range from the lowest to the highest, if all of them are known.
        """
        terms = terms_of(calendar, period)
        found: dict[tuple[str, Tier], list[tuple[Version, Decimal]]] = {}
        for year, term in terms:
            for version in self.on(programme, day_of(year, term), stage=stage, tier=tier, region=region):
                share = share_of(version.basis, term)
                if share:
                    found.setdefault((version.stage, version.tier), []).append((version, share))
        last = day_of(*terms[-1])
        later = {
            (version.stage, version.tier)
            for version in self._by_programme.get(programme, ())
            if version.valid_from is not None
            and version.valid_from > last
            and stage in {None, version.stage}
            and tier in {None, version.tier}
        }
        # Of a stage or tier whose earlier standard is missing, nothing is known: neither is the range.
        if later - found.keys() or not all(_complete(parts, terms) for parts in found.values()):
            return None
        return _enveloped([_composed(parts) for parts in found.values()])


def terms_of(calendar: Calendar, period: str) -> list[tuple[int, str]]:
    """Return the terms of a period: a school year is named after the year in which it begins.

    Raises ValueError for what is no period.
    """
    year = int(period[:4])
    if calendar is Calendar.YEAR:
        return [(year, "spring"), (year, "autumn")]
    if calendar is Calendar.SCHOOL_YEAR:
        return [(year, "autumn"), (year + 1, "spring")]
    term = period[5:]
    if term == "year":
        return [(year, "autumn"), (year + 1, "spring")]
    if term not in _DAY_IN:
        raise ValueError("not a term")
    return [(year, term)]


def day_of(year: int, term: str) -> date:
    """Return the day on which a term's standard is looked up."""
    return date(year, *_DAY_IN[term])


def share_of(basis: Basis, term: str) -> Decimal:
    """Return which part of a yearly standard is paid in a term."""
    if basis is Basis.ONCE:
        return Decimal(term == "autumn")
    return Decimal("0.5")


def _complete(parts: Sequence[tuple[Version, Decimal]], terms: Sequence[tuple[int, str]]) -> bool:
    """Return whether every term in which something is paid has a version."""
    once = all(version.basis is Basis.ONCE for version, _ in parts)
    return len(parts) == (sum(term == "autumn" for _, term in terms) if once else len(terms))


def _composed(parts: Sequence[tuple[Version, Decimal]]) -> Level:
    used = [(version.yearly, share) for version, share in parts]

    def total(values: Iterable[tuple[Decimal | None, Decimal]]) -> Decimal | None:
        terms = list(values)
        if any(value is None for value, _ in terms):
            return None
        return sum((value * share for value, share in terms if value is not None), Decimal(0))

    return Level(
        total((level.amount, share) for level, share in used),
        total((level.lowest, share) for level, share in used),
        total((level.highest, share) for level, share in used),
        tuple(dict.fromkeys(version for version, _ in parts)),
    )


def _enveloped(levels: Sequence[Level]) -> Level | None:
    known = [level for level in levels if level.known]
    if not known:
        return None
    versions = tuple(dict.fromkeys(version for level in known for version in level.versions))
    first = known[0]
    if all(
        (one.amount, one.lowest, one.highest) == (first.amount, first.lowest, first.highest) for one in known
    ):
        return Level(first.amount, first.lowest, first.highest, versions)
    bounds = [bound for level in known for bound in (level.lowest, level.amount) if bound is not None]
    tops = [bound for level in known for bound in (level.highest, level.amount) if bound is not None]
    lowest = min(bounds) if all(one.lowest is not None or one.amount is not None for one in known) else None
    return Level(None, lowest, max(tops) if tops else None, versions)


def compare(amount: Decimal, persons: int, level: Level | None) -> Comparison:
    """Compare an amount in yuan, divided by persons, with a standard.

    With bounds, everything from the lowest to the highest is within; without, only the amount itself is
    equal. Exact: the quotient is rounded for display only.
    """
    if persons <= 0:
        return Comparison(None, Compared.UNKNOWN, level, None)
    per_head = (amount / persons).quantize(_FEN, ROUND_HALF_UP)
    if level is None or not level.known:
        return Comparison(per_head, Compared.UNKNOWN, level, None)

    def off(bound: Decimal) -> Decimal:
        return amount - bound * persons

    def judged(verdict: Compared, bound: Decimal | None) -> Comparison:
        difference = None if bound is None else (off(bound) / persons).quantize(_FEN, ROUND_HALF_UP)
        return Comparison(per_head, verdict, level, difference)

    if level.amount is not None and off(level.amount) == 0:
        return judged(Compared.EQUAL, level.amount)
    lowest = level.lowest if level.lowest is not None else None if level.highest is not None else level.amount
    highest = level.highest if level.highest is not None else level.amount
    if lowest is not None and off(lowest) < 0:
        return judged(Compared.BELOW, lowest)
    if highest is not None and off(highest) > 0:
        return judged(Compared.ABOVE, highest)
    return judged(Compared.WITHIN, level.amount)
