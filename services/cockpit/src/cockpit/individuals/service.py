"""Lists of individual records: who asks is recorded before anything is read."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Principal
from cockpit.access.service import Access
from cockpit.analytics.store import Analytics
from cockpit.cells.building import CellBuilder
from cockpit.directory.models import Unit
from cockpit.directory.service import Units
from cockpit.feeds import personal
from cockpit.feeds.declarations import FeedName
from cockpit.individuals.errors import NotListed
from cockpit.individuals.models import IndividualUse
from cockpit.individuals.repository import After, IndividualFacts, UseRepository, Wanted
from cockpit.individuals.rules import LISTED, MOST, masked
from cockpit.individuals.schemas import Individual, Individuals, IndividualsIn
from cockpit.intake.errors import PersonalNumber
from servicekit.clock import Clock
from servicekit.db import release
from servicekit.ids import new_id
from servicekit.lists import Listed
from servicekit.logs import correlation_id
from servicekit.paging import PageRequest, Total, cut

_REASON = "查看事由中疑似含有身份证号、手机号或银行卡号，请改用不能识别个人的文字。"
_FILTERS = ("school", "stage", "programme", "period")


class Looks:
    """The record of who looks at records about persons, which other features keep, too."""

    def __init__(self, session: AsyncSession, clock: Clock) -> None:
        self._clock = clock
        self._uses = UseRepository(session)

    def record(
        self,
        actor: Principal,
        unit: Unit,
        feed: FeedName,
        filters: dict[str, Any],
        reason: str,
        *,
        further: bool = False,
    ) -> IndividualUse:
        """Record a look of somebody who acts for `unit`. End the transaction before anything is read."""
        use = IndividualUse(
            id=new_id(),
            at=self._clock.now(),
            sub=actor.sub,
            client_id=actor.client_id,
            unit_id=unit.id,
            unit_path=unit.path,
            feed=feed.value,
            filters=filters,
            further=further,
            reason=reason,
            correlation_id=correlation_id(),
        )
        self._uses.add(use)
        return use

    async def paths(self, code: str) -> list[str]:
        """Return the authority paths at which facts found the unit with this code."""
        return await self._uses.paths(code)


class IndividualRecords:
    """Individual records within one request. No transaction is held while ClickHouse works."""

    def __init__(
        self,
        session: AsyncSession,
        looks: Looks,
        access: Access,
        units: Units,
        builder: CellBuilder,
        analytics: Analytics,
    ) -> None:
        self._session = session
        self._access = access
        self._units = units
        self._builder = builder
        self._looks = looks
        self._facts = IndividualFacts(analytics)
        self._uses = UseRepository(session)

    async def list(self, actor: Principal, given: IndividualsIn, paging: PageRequest) -> Individuals:
        """Return a page of the records of the caller's county, at most `MOST`.

        Raises `PersonalNumber`, `NotListed`, `BadCursor`, `UnitNotReplicated`, and the errors of the store.
        """
        # The record of uses is kept for months, and superiors read it.
        if personal.find(given.reason):
            raise PersonalNumber(_REASON)
        after: After | None = paging.key(str, _hash, str)
        unit = await self._access.own(actor)
        use = self._record(actor, unit, given, further=after is not None)
        wanted = self._wanted(given, {unit.path, *await self._uses.paths(unit.code)})
        # The record is kept even if the query fails.
        await release(self._session)
        await self._builder.mark()
        limit = min(paging.limit, MOST)
        rows = await self._facts.page(wanted, after, limit + 1)
        records, persons = await self._facts.counts(wanted)
        found = cut(rows, limit, lambda row: (row["unit_code"], row["who"], row["record"]))
        schools = await self._units.by_codes({row["unit_code"] for row in found.items})
        return Individuals(
            items=[_shown(row, wanted, schools.get(row["unit_code"])) for row in found.items],
            next=found.next,
            total=Total(count=records, exact=True),
            persons=persons,
            use=use.id,
        )

    async def uses(self, actor: Principal, paging: PageRequest) -> Listed[tuple[IndividualUse, str | None]]:
        """Return who looked at records in the caller's subtree, the latest first. Raises `BadCursor`."""
        assert actor.acting is not None
        return await self._uses.below(actor.acting.path, paging)

    def _record(self, actor: Principal, unit: Unit, given: IndividualsIn, *, further: bool) -> IndividualUse:
        filters = given.model_dump(include={"year", *_FILTERS}, exclude_none=True)
        return self._looks.record(actor, unit, given.feed, filters, given.reason, further=further)

    def _wanted(self, given: IndividualsIn, paths: set[str]) -> Wanted:
        feed = LISTED.get(given.feed)
        filters: dict[str, Any] = given.model_dump(include=set(_FILTERS), exclude_none=True)
        if (
            feed is None
            or ("programme" in filters and "programme" not in feed.columns)
            or ("period" in filters and feed.period is None)
        ):
            raise NotListed
        return Wanted(feed, sorted(paths), given.year, filters)


def _shown(row: dict[str, Any], wanted: Wanted, school: Unit | None) -> Individual:
    return Individual(
        unit_code=row["unit_code"],
        unit_name=None if school is None else school.name,
        person=masked(row["token"]),
        record_id=row["record_name"] or None,
        batch_id=row["batch"],
        values={column: row[f"c_{column}"] for column in wanted.feed.columns},
        yuan=f"{row['yuan']:.2f}" if wanted.feed.amount else None,
    )


def _hash(text: str) -> int:
    number = int(text)
    if not 0 <= number < 2**64:
        raise ValueError("not a hash")
    return number
