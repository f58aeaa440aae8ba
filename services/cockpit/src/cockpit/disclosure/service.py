"""Which rows of an answer are hidden from a viewer."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import product
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Principal
from cockpit.access import rules as access
from cockpit.cells.dimensions import SECTOR_OF, Calendar, Dimension, Tree
from cockpit.cells.feeds import CELL_FEEDS
from cockpit.cells.rules import COUNTRY, Question, code_of, combined, plan
from cockpit.cells.service import Ask, CellRow, Cells
from cockpit.directory.models import Unit
from cockpit.directory.service import Units
from cockpit.disclosure.common import CommonPersons, Overlap
from cockpit.disclosure.periods import Family, Read, families
from cockpit.disclosure.repository import TableRepository
from cockpit.disclosure.rules import decide
from cockpit.disclosure.tables import OPEN, Columns, Combination, Hidden, Place
from cockpit.feeds.declarations import FeedName
from cockpit.metrics.offering import WORDS
from contracts.vocabulary import Level

_IMPLIED = {
    (Dimension.STAGE.value, stage): (Dimension.SECTOR.value, sector) for stage, sector in SECTOR_OF.items()
}
_OWN = ""
"""The row of what a place has outside the places below it."""
MOST_KEPT = 2_000
"""Decided tables that a process keeps, some ten kilobytes each."""

Places = Sequence[Sequence[str]]
"""The codes of the places that have lines in each answer."""
Tables = Sequence[tuple[Hidden, bool]]
"""The tables that decide about a cell, and whether it is a part of the year in them."""
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


class Shown(NamedTuple):
    """The row of an answer, and whether it is hidden from the viewer."""

    row: CellRow
    hidden: bool


class Disclosure:
    """Decides within one request what its viewer is not shown."""

    def __init__(
        self, session: AsyncSession, units: Units, decided: Decided, cells: Cells, *, active: bool
    ) -> None:
        self._tables = TableRepository(session)
        self._units = units
        self._decided = decided
        self._active = active
        self._common = CommonPersons(cells, units)
        self._seen: dict[tuple[FeedName, Family, tuple[str, ...]], Hidden] = {}
        self._chains: set[tuple[str, ...]] = set()

    def guards(self, actor: Principal, tree: Tree) -> bool:
        """Return whether the viewer is kept from small figures at all.

        A county in charge sees its own schools whole. By territory there are schools of others, too.
        """
        return self._active and (tree is Tree.TERRITORY or not _in_charge(actor))

    def places(self, actor: Principal) -> set[str]:
        """Return the places whose cells have decided what is hidden so far."""
        chains = ((code_of(_top(actor)),), *self._chains, *(chain for _, _, chain in self._seen))
        return {alias for chain in chains for code in chain for alias in _aliases(code)}

    def top(self, actor: Principal) -> list[str]:
        """Return the codes of the viewer's own place in both trees."""
        return _aliases(code_of(_top(actor)))

    async def hidden(
        self, actor: Principal, asks: Sequence[Ask], answers: Sequence[Sequence[CellRow]]
    ) -> list[list[bool]]:
        """Return for each row of some answers whether the viewer is not shown its figures.

        Call it with the rows of `Cells.ask` in the same transaction. A county sees all figures of its own.
        """
        if not any(self.guards(actor, ask.tree) for ask in asks):
            return [[False] * len(rows) for rows in answers]
        units = await self._units_of(asks, [[row.code for row in rows] for rows in answers])
        found: list[list[bool]] = []
        for ask, rows in zip(asks, answers, strict=True):
            feed = CELL_FEEDS[ask.feed]
            stored = _stored(ask, units)
            judged: list[bool] = []
            guarded = feed.persons and self.guards(actor, ask.tree)
            for row in rows if guarded else ():
                chain = _chain_in(ask, _top(actor), row.code, units)
                tables = await self._tables_of(actor, ask, chain, row.period)
                judged.append(any(_hides(tables, chain[-1], one) for one in _cells(stored, row.values)))
            found.append(judged if guarded else [False] * len(rows))
        return found

    async def shown(
        self, actor: Principal, asks: Sequence[Ask], answers: Sequence[Sequence[CellRow]], places: Places
    ) -> list[list[Shown]]:
        """Return the rows of some answers as `hidden` judges them.

        With them come rows that the answers lack for `places`, if the viewer must not know that they are
        empty: they would tell where the rest is.
        """
        hidden = await self.hidden(actor, asks, answers)
        empty = await self._hidden_empty(actor, asks, answers, places)
        return [
            [*map(Shown, rows, hiding), *(Shown(row, hidden=True) for row in more)]
            for rows, hiding, more in zip(answers, hidden, empty, strict=True)
        ]

    async def _hidden_empty(
        self, actor: Principal, asks: Sequence[Ask], answers: Sequence[Sequence[CellRow]], places: Places
    ) -> list[list[CellRow]]:
        if not any(self.guards(actor, ask.tree) for ask in asks):
            return [[] for _ in asks]
        units = await self._units_of(asks, places)
        found: list[list[CellRow]] = []
        for ask, rows, codes in zip(asks, answers, places, strict=True):
            feed, stored = CELL_FEEDS[ask.feed], _stored(ask, units)
            known = {(row.code, row.period, combined(row.values)) for row in rows}
            empty: list[CellRow] = []
            guarded = feed.persons and self.guards(actor, ask.tree)
            for code, period in product(codes if guarded else (), ask.periods):
                chain = _chain_in(ask, _top(actor), code, units)
                tables = await self._tables_of(actor, ask, chain, period)
                if not any(table.hides_some_empty(chain[-1], part=part) for table, part in tables):
                    continue
                empty += (
                    CellRow(code, period, values, Decimal(0), 0, 0, Decimal(0))
                    for values in _values(ask)
                    if (code, period, combined(values)) not in known
                    and any(_hides(tables, chain[-1], one) for one in _cells(stored, values))
                )
            found.append(empty)
        return found

    async def _units_of(self, asks: Sequence[Ask], places: Places) -> dict[str, Unit]:
        codes = {code for one in places for code in one} | {code for one in asks for code in one.codes}
        return await self._units.by_codes(codes)

    async def hides_own(self, actor: Principal, ask: Ask, code: str) -> bool:
        """Return whether the viewer is not shown what a place has outside the places below it.

        `ask` has one period, and nothing is told apart.
        """
        # A county in charge has no places below its region.
        if not self.guards(actor, ask.tree) or _in_charge(actor):
            return False
        units = await self._units.by_codes([code])
        chain = [*_chain(_top(actor), code, units.get(code)), _OWN]
        return _hides(await self._tables_of(actor, ask, chain, ask.periods[0]), _OWN, frozenset())

    async def hides_whole(
        self, actor: Principal, feed: FeedName, year: int, codes: Sequence[str]
    ) -> set[str]:
        """Return those of some units of whose facts of a year, all together, the viewer is shown no figures.

        `year` is one of the calendar that the facts themselves have.
        """
        calendar = Calendar.YEAR if Calendar.YEAR in CELL_FEEDS[feed].periods else Calendar.SCHOOL_YEAR
        ask = Ask(feed, Tree.AUTHORITY, calendar, codes, [str(year)])
        rows = [CellRow(code, str(year), {}, Decimal(0), 0, 0, Decimal(0)) for code in codes]
        (hiding,) = await self.hidden(actor, [ask], [rows])
        return {code for code, hides in zip(codes, hiding, strict=True) if hides}

    async def hides_common(self, actor: Principal, overlap: Overlap, tree: Tree, own: str, code: str) -> bool:
        """Return whether the viewer is not shown the counts of persons in both of two cells at a place, which
        is `own` or directly below it.
        """
        if not self.guards(actor, tree):
            return False
        units = await self._units.by_codes({own, code})
        chain = _chain(_top(actor), own, units.get(own))
        if code != own:
            chain.append(code)
        self._chains.add(tuple(chain))
        if _in_charge(actor):
            return await self._common.hides_others(overlap, code_of(_top(actor)), chain[-1], _top(actor))
        return await self._common.hidden(overlap, chain, {one: _aliases(one) for one in chain})

    async def _tables_of(self, actor: Principal, ask: Ask, chain: Sequence[str], period: str) -> Tables:
        found = families(CELL_FEEDS[ask.feed], ask.calendar, period)
        if _in_charge(actor):
            return [(await self._others(actor, ask.feed, one, chain[-1]), part) for one, part in found]
        return [(await self._table(ask.feed, family, chain), part) for family, part in found]

    async def _others(self, actor: Principal, feed: FeedName, family: Family, region: str) -> Hidden:
        """Return what a county in charge is not shown of a region: what tells about schools of others there.

        It knows its own schools, so that the rest of the region is a place of its own. Where schools of its
        own lie elsewhere, that rest is not known, and nothing is shown.
        """
        top = _top(actor)
        code = code_of(top)
        seen = feed, family, (code, region)
        if seen not in self._seen:
            hidden = Hidden(closed=True)
            if not await self._units.any_outside(top, region):
                versions = await self._tables.versions(feed.value, [code, region], family.periods)
                key: Key = feed.value, family, (code, region, "others"), tuple(sorted(versions.items()))
                known = self._decided.get(key)
                if known is None:
                    mine, whole = await self._tables.of_trees(feed.value, code, region, family.periods)
                    rows = {region: family.place(_rest(whole, {code: mine}))}
                    known = await asyncio.to_thread(
                        decide, rows, _groupings(feed, family), alone=True, implied=_IMPLIED
                    )
                    self._decided.keep(key, known)
                hidden = known
            self._seen[seen] = hidden
        return self._seen[seen]

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
        return await asyncio.to_thread(
            decide, rows, _groupings(feed, family), above=above, alone=alone, implied=_IMPLIED
        )


def _groupings(feed: FeedName, family: Family) -> list[frozenset[str]]:
    kept = CELL_FEEDS[feed].kept(family.calendar, school=False)
    return [frozenset(one.value for one in grouping) for grouping in kept]


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


def _hides(tables: Tables, code: str, combination: Combination) -> bool:
    return any(table.hides(code, combination, part=part) for table, part in tables)


def _top(actor: Principal) -> str:
    assert actor.acting is not None
    return actor.acting.path


def _chain_in(ask: Ask, top: str, code: str, units: Mapping[str, Unit]) -> list[str]:
    """Return the codes from the viewer's place down to a place of an answer."""
    if ask.below and len(ask.codes) == 1:
        # What a unit received below a former authority is a row of the table there.
        above = ask.codes[0]
        return [*_chain(top, above, units.get(above)), code]
    return _chain(top, code, units.get(code))


def _stored(ask: Ask, units: Mapping[str, Unit]) -> Question:
    """Return which kept cells answer: the figure of a sector may be added up from stages."""
    feed = CELL_FEEDS[ask.feed]
    schools = (
        ask.tree is Tree.AUTHORITY
        and not ask.below
        and any(code in units and units[code].level == Level.SCHOOL for code in ask.codes)
    )
    found = plan(feed.kept(ask.calendar, school=False), ask.by, ask.only)
    if schools and (found is None or found.stored not in feed.kept(ask.calendar, school=True)):
        found = plan(feed.kept(ask.calendar, school=True), ask.by, ask.only)
    assert found is not None, "answered before"
    return found


def _cells(stored: Question, shown: Mapping[Dimension, str]) -> Iterable[Combination]:
    """Yield the kept cells that a row with these values adds up."""
    chosen: dict[Dimension, Iterable[str]] = {}
    for one in stored.stored:
        if one in shown:
            chosen[one] = [shown[one]]
        elif one in stored.only:
            chosen[one] = stored.only[one]
        else:
            chosen[one] = SECTOR_OF
    sector = shown.get(Dimension.SECTOR) if stored.sectors else None
    if sector is not None:
        chosen[Dimension.STAGE] = [stage for stage in chosen[Dimension.STAGE] if SECTOR_OF[stage] == sector]
    names = sorted(chosen)
    for values in product(*(sorted(chosen[name]) for name in names)):
        yield frozenset((name.value, value) for name, value in zip(names, values, strict=True))


def _values(ask: Ask) -> Iterable[dict[Dimension, str]]:
    """Yield the values that a row of an answer can have."""
    names = sorted(ask.by)
    for values in product(*(ask.only.get(name, WORDS[name]) for name in names)):
        found = dict(zip(names, values, strict=True))
        stage, sector = found.get(Dimension.STAGE), found.get(Dimension.SECTOR)
        if stage is None or sector is None or SECTOR_OF[stage] == sector:
            yield found
