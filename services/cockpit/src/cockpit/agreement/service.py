"""What does not agree now: evaluated when it is asked, so that it shrinks when the missing record counts."""

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Principal
from cockpit.access import rules as access
from cockpit.access.errors import CountyRequired
from cockpit.access.service import Access
from cockpit.agreement.errors import CheckUnknown, InconsistenciesTooWide
from cockpit.agreement.schemas import (
    InconsistencyCount,
    InconsistencyCounts,
    InconsistentRow,
    InconsistentRows,
)
from cockpit.cells.building import CellBuilder
from cockpit.cells.dimensions import Tree
from cockpit.cells.feeds import CELL_FEEDS
from cockpit.cells.rules import code_of
from cockpit.directory.models import Unit
from cockpit.directory.service import Units
from cockpit.disclosure.service import Disclosure
from cockpit.disclosure.tables import is_small
from cockpit.feeds.crosschecks import CHECKS, UNIT_CLOSED, CrossCheck, check_of
from cockpit.feeds.declarations import FEEDS, Feed, FeedName
from cockpit.individuals.rules import masked
from cockpit.individuals.service import Looks
from cockpit.intake.agreement import EVALUATED, NOTHING, Agreement, Found, Row, Scope, Size
from cockpit.intake.closures import Closures
from cockpit.intake.service import Batches
from servicekit.clock import Clock
from servicekit.db import release
from servicekit.paging import PageRequest, Total, cut

_REASON = "核对批次中与其他数据源不符的记录"
MOST_FACTS = 3_000_000
"""Facts of one feed, year and reach that one request compares with another feed: a city, or a small province.

Each check reads them, and what the other feed has of the same places, once for two million rows. A country
would keep the store's threads from other readers for minutes, for an answer that nobody waits for; the notes
of its batches are counted when they begin to count, however large they are.
"""
_HIDDEN = {"unit_code", "year", "record_id", "person_token", "net", "batch", "at", "id"}


ByPath = tuple[Feed, CrossCheck, Mapping[str, Found]]
Line = tuple[str, Feed, CrossCheck, int | None]
"""Code of a unit, and its count of a check."""


class Inconsistencies:
    """Inconsistencies within one request. No transaction is held while ClickHouse works."""

    def __init__(
        self,
        session: AsyncSession,
        clock: Clock,
        looks: Looks,
        access: Access,
        units: Units,
        batches: Batches,
        builder: CellBuilder,
        agreement: Agreement,
        disclosure: Disclosure,
    ) -> None:
        self._session = session
        self._clock = clock
        self._access = access
        self._units = units
        self._batches = batches
        self._builder = builder
        self._agreement = agreement
        self._looks = looks
        self._disclosure = disclosure

    async def counts(
        self,
        actor: Principal,
        unit_id: UUID | None,
        year: int,
        feed: FeedName | None,
        check: str | None,
        paging: PageRequest,
    ) -> InconsistencyCounts:
        """Return the counts of a year by unit, feed and check, in the order of the codes of units.

        For those who are not shown few persons, by county instead of by school. A count that tells of few, or
        that may be all that a place has and is not shown elsewhere, is None.

        Raises `CheckUnknown`, `InconsistenciesTooWide`, `BadCursor`, the errors of access and of the store.
        """
        after = paging.key(str, str, str)
        wanted = [
            (FEEDS[name], one)
            for name, checks in CHECKS.items()
            for one in checks
            if one.code in EVALUATED and feed in (None, name) and check in (None, one.code)
        ]
        if not wanted:
            raise CheckUnknown
        unit = await self._access.unit(actor, unit_id, "intake.inconsistencies")
        paths = sorted({unit.path, *await self._looks.paths(unit.code)})
        await release(self._session)
        await self._builder.mark()
        scope = Scope.of_places(paths, year)
        sizes: dict[FeedName, Size] = {}
        by_path: list[ByPath] = []
        for one, each in wanted:
            size = sizes.get(one.name) or await self._agreement.size(one, scope)
            sizes[one.name] = size
            _check_size(each, size)
            closures = await self._closures(one, each, scope)
            by_path.append((one, each, await self._agreement.by_path(one, each, scope, size, closures)))
        found = await self._shown(actor, year, by_path)
        found.sort(key=_key)
        later = [row for row in found if after is None or _key(row) > after]
        page = cut(later[: paging.limit + 1], paging.limit, _key)
        names = await self._names({row[0] for row in page.items})
        return InconsistencyCounts(
            items=[
                InconsistencyCount(
                    feed=of.name,
                    check=each.code,
                    title=each.title,
                    severity=each.severity,
                    unit_code=code,
                    unit_name=names.get(code),
                    rows=rows,
                )
                for code, of, each, rows in page.items
            ],
            next=page.next,
            total=Total(count=len(found), exact=True),
            rows=sum(row[-1] or 0 for row in found),
            as_of=self._clock.now(),
        )

    async def rows(
        self, actor: Principal, batch_id: UUID, code: str, paging: PageRequest
    ) -> InconsistentRows:
        """Return records of a batch that do not agree now. Who asks is recorded before anything is read.

        Raises `BatchNotFound`, `CountyRequired`, `CheckUnknown`, `InconsistenciesTooWide`, `BadCursor`, and
        those of access and of the store.
        """
        after = paging.key(str, _hash)
        batch, _ = await self._batches.find(actor, batch_id, "intake.inconsistencies")
        feed = FEEDS[FeedName(batch.feed)]
        check = check_of(feed.name, code)
        if check is None or code not in EVALUATED:
            raise CheckUnknown
        own = await self._access.own(actor)
        # Who has sent a file has its rows. Above the counties, others learn from them what is hidden.
        if own.level != access.IN_CHARGE and own.id != batch.unit_id:
            raise CountyRequired
        filters = {"batch": str(batch_id), "check": code}
        use = self._looks.record(actor, own, feed.name, filters, _REASON, further=after is not None)
        await release(self._session)
        await self._builder.mark()
        scope = Scope.of_batch(feed, batch.id, batch.load_id)
        closures = await self._closures(feed, check, scope)
        size = await self._agreement.size(feed, scope)
        _check_size(check, size)
        rows = await self._agreement.page(feed, check, scope, size, closures, after, paging.limit + 1)
        total = len(rows)
        if after is not None or total > paging.limit:
            total = await self._agreement.count(feed, check, scope, size, closures)
        page = cut(rows, paging.limit, lambda row: (row["unit_code"], row["id"]))
        names = await self._names({row["unit_code"] for row in page.items})
        return InconsistentRows(
            items=[_shown(row, names) for row in page.items],
            next=page.next,
            total=Total(count=total, exact=True),
            title=check.title,
            rule=check.rule,
            why=check.why,
            use=use.id,
        )

    async def _closures(self, feed: Feed, check: CrossCheck, scope: Scope) -> Closures:
        """Return the closed stays of the units with facts in a scope, if a check looks at them."""
        if check.code != UNIT_CLOSED:
            return Closures()
        codes = await self._agreement.unit_codes(feed, scope)
        found = Closures.of(await self._units.once_closed(codes))
        await release(self._session)
        return found

    async def _shown(self, actor: Principal, year: int, by_path: Collection[ByPath]) -> list[Line]:
        """Return the lines that a viewer is shown of counts by the path of the unit at intake."""
        guarded = self._disclosure.guards(actor, Tree.AUTHORITY)
        places = await self._places({path for *_, counts in by_path for path in counts}, guarded=guarded)
        lines: list[Line] = []
        for feed, check, counts in by_path:
            rows: dict[str, Found] = {}
            for path, count in counts.items():
                rows[places[path]] = rows.get(places[path], NOTHING).with_(count)
            hidden: set[str] = set()
            if guarded and CELL_FEEDS[feed.name].persons:
                hidden = await self._disclosure.hides_whole(actor, feed.name, year, sorted(rows))
                hidden |= {code for code, count in rows.items() if is_small((count.persons,))}
            lines += [(code, feed, check, None if code in hidden else rows[code].rows) for code in rows]
        return lines

    async def _places(self, paths: Collection[str], *, guarded: bool) -> Mapping[str, str]:
        """Return the code under which the counts of each path are shown."""
        if not guarded:
            return {path: code_of(path) for path in paths}
        above = await self._units.by_codes({code for path in paths for code in path.split(".")})
        counties = {code for code, unit in above.items() if unit.level == access.IN_CHARGE}
        return {
            path: next((code for code in path.split(".") if code in counties), code_of(path))
            for path in paths
        }

    async def _names(self, codes: set[str]) -> Mapping[str, str]:
        found: Mapping[str, Unit] = await self._units.by_codes(codes)
        return {code: unit.name for code, unit in found.items()}


def _check_size(check: CrossCheck, size: Size) -> None:
    # The facts of closed units are few, and found by the codes of these.
    if check.code != UNIT_CLOSED and size.facts > MOST_FACTS:
        raise InconsistenciesTooWide.of(size.facts, MOST_FACTS)


def _key(row: Line) -> tuple[str, str, str]:
    return row[0], row[1].name.value, row[2].code


def _hash(text: str) -> int:
    """Parse a hash of 64 bits in a cursor. Raises ValueError."""
    number = int(text)
    if not 0 <= number < 2**64:
        raise ValueError("not a hash")
    return number


def _shown(row: Row, names: Mapping[str, str]) -> InconsistentRow:
    token = row.get("person_token")
    return InconsistentRow(
        unit_code=row["unit_code"],
        unit_name=names.get(row["unit_code"]),
        year=row["year"],
        record_id=row.get("record_id"),
        person=None if token is None else masked(token),
        values={name: str(value) for name, value in row.items() if name not in _HIDDEN and value is not None},
        batch_id=row["batch"],
        recorded_at=row["at"],
    )
