"""The figures that DuckDB computes from the files of facts, without cells.

Nothing here uses how the cockpit derives figures: periods, borders and formulas are written again, in SQL and
in plain arithmetic.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb

from cockpit.feeds.declarations import FeedName
from services.cockpit.tests.support.national import FUNDING, RANKS
from services.cockpit.tests.support.running_cockpit import World

_SECTORS = {
    "compulsory": "basic",
    "general_high": "basic",
    "secondary_vocational": "vocational",
    "undergraduate": "higher",
    "doctor": "higher",
}

Key = tuple[str, str, tuple[str, ...]]
"""Place, period and values."""

_PERIODS: Mapping[tuple[str, str], str] = {
    ("award", "year"): "year",
    ("award", "school_year"): "CASE term WHEN 'spring' THEN year::INT - 1 ELSE year::INT END",
    ("award", "term"): "year || '-' || term",
    ("enrolment", "school_year"): "school_year",
    ("hardship", "school_year"): "school_year",
    ("payment", "year"): "year",
    ("payment", "school_year"): "year(due_on::DATE - INTERVAL 8 MONTH)",
    ("payment", "month"): "strftime(due_on::DATE, '%Y-%m')",
    ("fund_flow", "year"): "year",
    ("fund_flow", "month"): "strftime(moved_on::DATE, '%Y-%m')",
    ("loan", "year"): "year",
    ("loan", "school_year"): "year(granted_on::DATE - INTERVAL 8 MONTH)",
    ("loan", "month"): "strftime(granted_on::DATE, '%Y-%m')",
}
_STATES = {"payment_state": "state", "loan_state": "state", "enrolment_state": "state"}


@dataclass(frozen=True)
class Found:
    """A component of a figure, and where anything of its feed is known."""

    values: Mapping[Key, Fraction]
    reported: frozenset[tuple[str, str]]

    def at(self, key: Key) -> Fraction | None:
        return self.values.get(key, Fraction(0)) if key[:2] in self.reported else None


class Scan:
    """The same questions, asked to the files."""

    def __init__(self, paths: Mapping[FeedName, Path], world: World) -> None:
        self._db = duckdb.connect()
        self._db.execute("SET threads = 2")
        for feed, path in paths.items():
            sector = " ".join(f"WHEN '{stage}' THEN '{sector}'" for stage, sector in _SECTORS.items())
            more = "" if feed is FeedName.FUND_FLOW else f", CASE stage {sector} END AS sector"
            self._db.execute(
                f"CREATE TABLE {feed.value} AS SELECT *{more} FROM read_csv('{path}', all_varchar = true)"
            )
        self._db.execute(
            "CREATE TABLE inside (tree VARCHAR, place VARCHAR, rank INT, above VARCHAR, unit VARCHAR)"
        )
        self._db.executemany("INSERT INTO inside VALUES (?, ?, ?, ?, ?)", list(_inside(world)))

    def children(self, tree: str, place: str) -> list[str]:
        """Return the places directly below one that contain any unit."""
        rows = self._db.execute(
            "SELECT DISTINCT place FROM inside WHERE tree = ? AND above = ? ORDER BY place", [tree, place]
        )
        return [row[0] for row in rows.fetchall()]

    def component(
        self, question: Mapping[str, Any], feed: str, sum_: str, where: str = "true", less: Sequence[str] = ()
    ) -> Found:
        """Return a sum by place, period and values; `less` are neither told apart nor limited."""
        dimensions = [_STATES.get(one, one) for one in question["dimensions"] if one not in less]
        period = _PERIODS[feed, question["calendar"]]
        limits = _limits({name: values for name, values in question["filters"].items() if name not in less})
        select = "".join(f", {one}" for one in dimensions)
        rows = self._db.execute(
            f"SELECT place, ({period})::VARCHAR AS period{select}, {sum_} FROM {feed} f "
            f"JOIN inside ON unit = unit_code WHERE tree = ? AND ({where}) AND {limits} GROUP BY ALL",
            [question["tree"]],
        ).fetchall()
        reported = self._db.execute(
            f"SELECT DISTINCT place, ({period})::VARCHAR FROM {feed} JOIN inside ON unit = unit_code "
            f"WHERE tree = ? AND {limits}",
            [question["tree"]],
        ).fetchall()
        return Found(
            {(row[0], row[1], tuple(row[2:-1])): Fraction(row[-1]) for row in rows if row[-1]},
            frozenset((row[0], row[1]) for row in reported),
        )

    def common(
        self, question: Mapping[str, Any], other: str, years: int, less: Sequence[str]
    ) -> Mapping[Key, Fraction]:
        """Return the listed persons who are also in another feed, some years before."""
        dimensions = list(question["dimensions"])
        shared = [one for one in dimensions if one not in less]
        period = _PERIODS[other, "school_year"]
        select = "".join(f", h.{one}" for one in dimensions)
        same = "".join(f" AND o.{one} = h.{one}" for one in shared)
        limits = _limits(question["filters"])
        others = _limits({name: values for name, values in question["filters"].items() if name not in less})
        rows = self._db.execute(
            f"WITH h AS (SELECT * FROM hardship JOIN inside ON unit = unit_code "
            f"WHERE tree = ? AND {limits}), o AS (SELECT *, ({period})::INT AS at FROM {other} "
            f"JOIN inside ON unit = unit_code WHERE tree = ? AND {others}) "
            f"SELECT h.place, h.school_year{select}, count(DISTINCT h.person_token) FROM h "
            f"JOIN o ON o.place = h.place AND o.person_token = h.person_token "
            f"AND o.at = h.school_year::INT - {years}{same} GROUP BY ALL",
            [question["tree"], question["tree"]],
        ).fetchall()
        return {(row[0], row[1], tuple(row[2:-1])): Fraction(row[-1]) for row in rows}

    def several(self, question: Mapping[str, Any], number: str) -> Mapping[Key, Fraction]:
        """Return the persons by place and period whose number of programmes is like this."""
        period = _PERIODS["award", question["calendar"]]
        rows = self._db.execute(
            f"SELECT place, period, count(*) FROM (SELECT place, ({period})::VARCHAR AS period, "
            f"person_token, count(DISTINCT programme) AS n FROM award JOIN inside ON unit = unit_code "
            f"WHERE tree = ? GROUP BY ALL) WHERE n {number} GROUP BY ALL",
            [question["tree"]],
        ).fetchall()
        return {(row[0], row[1], ()): Fraction(row[2]) for row in rows}


def _limits(filters: Mapping[str, Sequence[str]]) -> str:
    parts = [
        f"{_STATES.get(name, name)} IN ({', '.join(repr(value) for value in values)})"
        for name, values in filters.items()
    ]
    return " AND ".join(parts) or "true"


def _inside(world: World) -> Iterator[tuple[str, str, int, str, str]]:
    levels = {row.code: row.level for row in world.rows}
    for row in world.rows:
        labels = row.path.split(".")
        for place, code in enumerate(labels):
            yield "authority", code, RANKS[levels[code]], labels[place - 1] if place else "", row.code
        region = row.region_code or ""
        above = ""
        for code in dict.fromkeys(
            one
            for one in (
                "000000",
                f"{region[:2]}0000",
                "" if region[2:4] == "90" or region[:2] == "11" else f"{region[:4]}00",
                region,
            )
            if one and (one == "000000" or row.level != "ministry")
        ):
            rank = 0 if code == "000000" else 1 if code.endswith("0000") else 2 if code.endswith("00") else 3
            yield "territory", code, rank, above, row.code
            above = code


Figures = Callable[[Key], Fraction | None]
_ORDER = "['central', 'province', 'city', 'county', 'school']"
_ENTERING = f"rank = 4 OR list_position({_ORDER}, from_level) <= greatest(rank, 1)"
_LEAVING = f"rank = 4 OR list_position({_ORDER}, to_level) <= greatest(rank, 1)"
_PERSONS = "count(DISTINCT person_token)"
_AMOUNT = "sum(amount::DECIMAL(18, 2))"
_NOT_OF_AWARDS = ("hardship_type", "hardship_level", "list_source")


def _divided(part: Fraction | None, whole: Fraction | None, times: int = 1) -> Fraction | None:
    return None if part is None or not whole else part / whole * times


def expected(scan: Scan, question: Mapping[str, Any], metric: str) -> tuple[Figures, set[Key]]:
    """Return what a metric is at each key, and the keys with facts."""

    def component(feed: str, sum_: str, where: str = "true", less: Sequence[str] = ()) -> Found:
        return scan.component(question, feed, sum_, where, less)

    if metric in _SEVERAL:
        given = component("award", "count(*)")
        several = Found(scan.several(question, _SEVERAL[metric]), given.reported)
        return several.at, set(given.values)
    if metric in _SUMS:
        one = component(*_SUMS[metric])
        rows = component(_SUMS[metric][0], "count(*)", *_SUMS[metric][2:])
        return one.at, set(rows.values)
    if metric in _RATIOS:
        first, second, times = _RATIOS[metric]
        part, whole = component(*_SUMS[first]), component(*_SUMS[second])
        keys = {
            key
            for name in (first, second)
            for key in component(_SUMS[name][0], "count(*)", *_SUMS[name][2:]).values
        }
        return (lambda key: _divided(part.at(key), whole.at(key), times)), keys
    if metric == "fund_balance":
        sums = [component(*_SUMS[name]) for name in ("transfer_amount", "reclaimed_amount", "paid_amount")]

        def balance(key: Key) -> Fraction | None:
            got, back, paid = (one.at(key) for one in sums)
            return None if not got or back is None or paid is None else got - back - paid

        return balance, {key for one in sums for key in one.values}
    listed = component("hardship", _PERSONS)
    if metric in ("newly_recognised", "no_longer_recognised"):
        stayed = scan.common(question, "hardship", 1, ())

        def changed(key: Key) -> Fraction | None:
            earlier = (key[0], str(int(key[1]) - 1), key[2])
            now, before = listed.at(key), listed.at(earlier)
            if now is None or before is None or not (before if metric == "newly_recognised" else now):
                return None
            return (now if metric == "newly_recognised" else before) - stayed.get(key, Fraction(0))

        return changed, set(listed.values)
    aided = scan.common(question, "award", 0, _NOT_OF_AWARDS)
    awards = component("award", "count(*)", "true", _NOT_OF_AWARDS)

    def helped(key: Key) -> Fraction | None:
        now = listed.at(key)
        if now is None or key[:2] not in awards.reported:
            return None
        found = aided.get(key, Fraction(0))
        if metric == "recognised_and_aided":
            return found
        if not now:
            return None
        return now - found if metric == "recognised_not_aided" else found / now * 100

    return helped, set(listed.values)


_SEVERAL = {"aided_by_one": "= 1", "aided_by_two": "= 2", "aided_by_more": ">= 3"}
_SUMS: Mapping[str, tuple[str, ...]] = {
    "aid_amount": ("award", _AMOUNT),
    "aid_person_times": ("award", "count(*)"),
    "aid_persons": ("award", _PERSONS),
    "enrolled_persons": ("enrolment", _PERSONS),
    "recognised_persons": ("hardship", _PERSONS),
    **{f"{one}_aid": ("award", _AMOUNT, f"funding = '{one}'") for one in FUNDING},
    "budget_amount": ("fund_flow", _AMOUNT, f"flow_kind = 'budget' AND ({_ENTERING})"),
    "transfer_amount": ("fund_flow", _AMOUNT, f"flow_kind = 'transfer' AND ({_ENTERING})"),
    "reclaimed_amount": ("fund_flow", _AMOUNT, f"flow_kind = 'return' AND ({_LEAVING})"),
    "flow_amount": ("fund_flow", _AMOUNT),
    "due_amount": ("payment", _AMOUNT, "state <> 'cancelled'"),
    "paid_amount": ("payment", _AMOUNT, "state = 'paid'"),
    "returned_amount": ("payment", _AMOUNT, "state = 'returned'"),
    "_days": ("payment", "sum(date_diff('day', due_on::DATE, paid_on::DATE))", "state = 'paid'"),
    "_paid": ("payment", "count(*)", "state = 'paid'"),
    "loan_amount": ("loan", _AMOUNT),
    "loan_count": ("loan", "count(*)"),
    "loan_persons": ("loan", _PERSONS),
    "loan_balance": ("loan", "sum(balance::DECIMAL(18, 2))"),
}
_RATIOS: Mapping[str, tuple[str, str, int]] = {
    "coverage": ("aid_persons", "enrolled_persons", 100),
    "payment_progress": ("paid_amount", "due_amount", 100),
    "recognition_rate": ("recognised_persons", "enrolled_persons", 100),
    "aid_per_person": ("aid_amount", "aid_persons", 1),
    "aid_per_time": ("aid_amount", "aid_person_times", 1),
    "times_per_person": ("aid_person_times", "aid_persons", 1),
    "transfer_rate": ("transfer_amount", "budget_amount", 100),
    "payout_rate": ("paid_amount", "transfer_amount", 100),
    "days_to_pay": ("_days", "_paid", 1),
}
