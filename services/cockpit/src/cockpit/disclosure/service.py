"""Which rows of an answer are hidden from a viewer."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from itertools import product

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Principal
from cockpit.access import rules as access
from cockpit.cells.dimensions import SECTOR_OF, Dimension
from cockpit.cells.feeds import CELL_FEEDS
from cockpit.cells.rules import COUNTRY, code_of
from cockpit.cells.service import Ask, CellRow
from cockpit.directory.models import Unit
from cockpit.directory.service import Units
from cockpit.disclosure.periods import Family, Read, families
from cockpit.disclosure.repository import TableRepository
from cockpit.disclosure.rules import decide
from cockpit.disclosure.tables import OPEN, Columns, Combination, Hidden, Place
from cockpit.feeds.declarations import FeedName

_IMPLIED = {
    (Dimension.STAGE.value, stage): (Dimension.SECTOR.value, sector) for stage, sector in SECTOR_OF.items()
}
_OWN = ""
"""The row of what a place has outside the places below it."""
MOST_KEPT = 2_000
"""Decided tables that a process keeps, some ten kilobytes each."""

Key = tuple[str, Family, tuple[str, ...], tuple[tuple[str, int], ...]]


class Decided:
    """Decided tables of this process, by feed, year, places and versions."""

    def __init__(self) -> None:
        self._tables: OrderedDict[Key, Hidden] = OrderedDict()

    def get(self, key: Key) -> Hidden | None:
        """Return a table that was decided before."""
        found = self._tables.get(key)
        if found is not None:
            self._tables.move_to_end(key)
        return found

    def keep(self, key: Key, hidden: Hidden) -> None:
        """Keep a table; the one that was used longest ago goes."""
        self._tables[key] = hidden
        while len(self._tables) > MOST_KEPT:
            self._tables.popitem(last=False)


class Disclosure:
    """Decides within one request what its viewer is not shown."""

    def __init__(self, session: AsyncSession, units: Units, decided: Decided, *, active: bool) -> None:
        self._tables = TableRepository(session)
        self._units = units
        self._decided = decided
        self._active = active
        self._seen: dict[tuple[FeedName, Family, tuple[str, ...]], Hidden] = {}

    def guards(self, actor: Principal) -> bool:
        """Return whether the viewer is kept from small figures at all."""
        return self._active and not _in_charge(actor)

    async def hidden(
        self, actor: Principal, asks: Sequence[Ask], answers: Sequence[Sequence[CellRow]]
    ) -> list[list[bool]]:
        """Return for each row of some answers whether the viewer is not shown its figures.

        Call it with the rows of `Cells.ask` in the same transaction. A county sees all figures of its own.
        """
        if not self._active or _in_charge(actor):
            return [[False] * len(rows) for rows in answers]
        assert actor.acting is not None
        top = actor.acting.path
        codes = {row.code for rows in answers for row in rows} | {code for one in asks for code in one.codes}
        units = await self._units.by_codes(codes)
        found: list[list[bool]] = []
        for ask, rows in zip(asks, answers, strict=True):
            feed = CELL_FEEDS[ask.feed]
            judged: list[bool] = []
            for row in rows:
                # What a unit received below a former authority is a row of the table there.
                above = ask.codes[0] if ask.below and len(ask.codes) == 1 else None
                chain = (
                    _chain(top, row.code, units.get(row.code))
                    if above is None
                    else [*_chain(top, above, units.get(above)), row.code]
                )
                judged.append(
                    feed.persons
                    and any(
                        [await self._hides(ask, chain, row, combination) for combination in _cells(ask, row)]
                    )
                )
            found.append(judged)
        return found

    async def hides_own(self, actor: Principal, ask: Ask, code: str) -> bool:
        """Return whether the viewer is not shown what a place has outside the places below it.

        `ask` has one period, and nothing is told apart.
        """
        if not self._active or _in_charge(actor):
            return False
        assert actor.acting is not None
        units = await self._units.by_codes([code])
        chain = [*_chain(actor.acting.path, code, units.get(code)), _OWN]
        for family, part in families(CELL_FEEDS[ask.feed], ask.calendar, ask.periods[0]):
            table = await self._table(ask.feed, family, chain)
            if table.hides(_OWN, frozenset(), part=part):
                return True
        return False

    async def _hides(self, ask: Ask, chain: Sequence[str], row: CellRow, combination: Combination) -> bool:
        for family, part in families(CELL_FEEDS[ask.feed], ask.calendar, row.period):
            table = await self._table(ask.feed, family, chain)
            if table.hides(chain[-1], combination, part=part):
                return True
        return False

    async def _table(self, feed: FeedName, family: Family, chain: Sequence[str]) -> Hidden:
        """Return the table that has the last place of a chain as a row; the viewer's own has one alone."""
        parents = chain[:-1]
        seen = feed, family, tuple(parents or chain) + (() if parents else ("alone",))
        if seen in self._seen:
            return self._seen[seen]
        codes = [alias for code in chain for alias in _aliases(code)]
        versions = await self._tables.versions(feed.value, codes, family.periods)
        hidden = Hidden()
        for depth in range(len(parents) + 1):
            places = tuple(chain[: max(depth, 1)])
            key: Key = (
                feed.value,
                family,
                (*places, "" if depth else "alone"),
                tuple((code, versions.get(code, 0)) for code in places),
            )
            known = self._decided.get(key)
            if known is None:
                above = OPEN if depth == 0 else hidden.columns(chain[depth - 1])
                known = await self._decide(feed, family, places[-1], above, alone=depth == 0)
                self._decided.keep(key, known)
            hidden = known
        self._seen[seen] = hidden
        return hidden

    async def _decide(
        self, feed: FeedName, family: Family, code: str, above: Columns, *, alone: bool
    ) -> Hidden:
        own, below = await self._tables.table(feed.value, _aliases(code), family.periods)
        rows = {code: family.place(own)} if alone else _rows(family, own, below)
        kept = CELL_FEEDS[feed].kept(family.calendar, school=False)
        groupings = [frozenset(one.value for one in grouping) for grouping in kept]
        return await asyncio.to_thread(decide, rows, groupings, above=above, alone=alone, implied=_IMPLIED)


def _in_charge(actor: Principal) -> bool:
    return actor.acting is not None and actor.acting.level == access.IN_CHARGE


def _rows(family: Family, own: Read, below: Mapping[str, Read]) -> dict[str, Place]:
    rows = {code: family.place(read) for code, read in below.items()}
    rest = _rest(own, below)
    if rest.persons:
        rows[_OWN] = family.place(rest)
    return rows


def _rest(own: Read, below: Mapping[str, Read]) -> Read:
    """Return what a place has outside the places below, by subtraction; of persons the least."""
    rest = Read()
    for key, times in own.times.items():
        if times > sum(read.times.get(key, 0) for read in below.values()):
            persons = max(own.persons[key]) - sum(max(read.persons.get(key, [0])) for read in below.values())
            rest.persons[key] = [max(1, persons)]
    return rest


def _chain(top: str, code: str, unit: Unit | None) -> list[str]:
    """Return the codes from the viewer's place down to a place, which is in its reach."""
    root = code_of(top)
    if code in _aliases(root):
        return [root]
    if unit is not None and unit.path.startswith(f"{top}."):
        return [root, *unit.path.removeprefix(f"{top}.").split(".")]
    # A region without a unit, or a unit that has moved away: directly below the viewer, or below its region.
    return [root, *_regions(root, code), code]


def _regions(root: str, code: str) -> list[str]:
    if len(code) != len(COUNTRY) or not code.isdigit():
        return []
    above = [f"{code[:2]}0000", f"{code[:4]}00"]
    return [one for one in above if one != code and one != root and not root.startswith(one.rstrip("0"))]


def _aliases(code: str) -> list[str]:
    """Return the codes of the same place in both trees."""
    return [code, COUNTRY] if code == CENTRE else [code]


CENTRE = "100000"


def _cells(ask: Ask, row: CellRow) -> Iterable[Combination]:
    """Yield the kept cells that a row adds up."""
    own = {dimension: [value] for dimension, value in row.values.items()}
    chosen = {**{dimension: list(values) for dimension, values in ask.only.items()}, **own}
    names = sorted(chosen)
    for values in product(*(chosen[name] for name in names)):
        yield frozenset((name.value, value) for name, value in zip(names, values, strict=True))
