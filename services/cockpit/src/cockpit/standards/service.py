"""Policy standards: look-ups for figures and warnings, and their administration by the centre."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Principal
from cockpit.feeds.values import PROGRAMMES
from cockpit.standards import rules
from cockpit.standards.errors import StandardNotFound, StandardOverlap
from cockpit.standards.models import Standard, StandardAction, StandardChange
from cockpit.standards.repository import MOST_EXPORTED, MOST_HELD, StandardFilter, StandardRepository
from cockpit.standards.rules import Book, Calendar, Comparison, Level, Tier
from servicekit.clock import Clock
from servicekit.etags import SeenVersions
from servicekit.lists import Listed
from servicekit.logs import correlation_id
from servicekit.paging import PageRequest

_REPLACED = "被新标准替代"


class Standards:
    """Read and change policy standards within one request."""

    def __init__(self, session: AsyncSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._standards = StandardRepository(session)

    # Look-ups, for figures and warnings

    async def book(self, programme: str | None = None) -> Book:
        """Return all versions (of a programme) that are not withdrawn, for many look-ups in memory."""
        found = await self._standards.some(StandardFilter(programme), MOST_HELD)
        return Book(standard.rule for standard in found)

    async def over(
        self,
        programme: str,
        calendar: Calendar,
        period: str,
        *,
        stage: str | None = None,
        tier: Tier | None = None,
        region: str = rules.COUNTRY,
    ) -> Level | None:
        """Return what a person gets in a period; see `Book.over`."""
        book = await self.book(programme)
        return book.over(programme, calendar, period, stage=stage, tier=tier, region=region)

    async def compare(
        self,
        amount: Decimal,
        persons: int,
        programme: str,
        calendar: Calendar,
        period: str,
        *,
        stage: str | None = None,
        tier: Tier | None = None,
        region: str = rules.COUNTRY,
    ) -> Comparison:
        """Compare an amount per head with the standard of a period; see `rules.compare`."""
        level = await self.over(programme, calendar, period, stage=stage, tier=tier, region=region)
        return rules.compare(amount, persons, level)

    async def in_force(
        self, programme: str, on: date, *, stage: str | None, tier: Tier | None, region: str
    ) -> Sequence[Standard]:
        """Return the versions that hold on a day at a place: one for each stage and tier not given."""
        found = await self._standards.some(StandardFilter(programme, on=on), MOST_HELD)
        by_rule = {standard.rule: standard for standard in found}
        chosen = Book(by_rule).on(programme, on, stage=stage, tier=tier, region=region)
        return [by_rule[version] for version in chosen]

    # Lists

    async def page(self, wanted: StandardFilter, paging: PageRequest) -> Listed[Standard]:
        """Return versions."""
        return await self._standards.page(_with_words(wanted), paging)

    async def exported(self, wanted: StandardFilter) -> Sequence[Standard]:
        """Return versions for a file."""
        return await self._standards.some(_with_words(wanted), MOST_EXPORTED)

    async def get(self, standard_id: UUID) -> Standard:
        """Return a version, also a withdrawn one. Raises `StandardNotFound`."""
        found = await self._standards.get(standard_id)
        if found is None:
            raise StandardNotFound
        return found

    async def changes(self, standard_id: UUID, paging: PageRequest) -> Listed[StandardChange]:
        """Return the record of a version. Raises `StandardNotFound`."""
        await self.get(standard_id)
        return await self._standards.changes(standard_id, paging)

    # Administration

    async def create(
        self, actor: Principal, values: Mapping[str, Any], reason: str, *, end_previous: bool
    ) -> Standard:
        """Create a version; `end_previous`: the one that holds when it begins ends the day before.

        Raises `StandardInvalid`, `StandardOverlap`.
        """
        now = self._clock.now()
        standard = Standard(**values, seed=None, version=1, created_at=now, changed_at=now)
        standard.check()
        if end_previous and standard.valid_from is not None:
            previous = await self._standards.in_force(
                standard.programme, standard.stage, standard.tier, standard.region, standard.valid_from
            )
            if previous is not None and previous.valid_from != standard.valid_from:
                before = previous.state
                previous.end(standard.valid_from - timedelta(days=1), now)
                await self._save(previous)
                self._record(actor, previous, StandardAction.ENDED, f"{_REPLACED}：{reason}", before)
        await self._save(standard)
        self._record(actor, standard, StandardAction.CREATED, reason, None)
        return standard

    async def end(
        self, actor: Principal, standard_id: UUID, last: date, reason: str, seen: SeenVersions
    ) -> Standard:
        """Let a version hold until `last`. Raises as `correct` does."""
        standard = await self._locked(standard_id, seen)
        before = standard.state
        standard.end(last, self._clock.now())
        await self._save(standard)
        self._record(actor, standard, StandardAction.ENDED, reason, before)
        return standard

    async def correct(
        self,
        actor: Principal,
        standard_id: UUID,
        changes: dict[str, Any],
        reason: str,
        seen: SeenVersions,
    ) -> Standard:
        """Correct days or figures of a version; the record keeps what it was.

        Raises `StandardNotFound`, `VersionChanged`, `StandardInvalid`, `StandardOverlap`,
        `StandardWithdrawn`.
        """
        standard = await self._locked(standard_id, seen)
        before = standard.state
        standard.correct(changes, self._clock.now())
        await self._save(standard)
        self._record(actor, standard, StandardAction.CORRECTED, reason, before)
        return standard

    async def withdraw(
        self, actor: Principal, standard_id: UUID, reason: str, seen: SeenVersions
    ) -> Standard:
        """Take a version back, as if it had never held; the record keeps it. Raises as `correct` does."""
        standard = await self._locked(standard_id, seen)
        before = standard.state
        standard.withdraw(self._clock.now())
        self._record(actor, standard, StandardAction.WITHDRAWN, reason, before)
        await self._save(standard)
        return standard

    async def _locked(self, standard_id: UUID, seen: SeenVersions) -> Standard:
        found = await self._standards.locked(standard_id)
        if found is None:
            raise StandardNotFound
        seen.require(found.version)
        return found

    async def _save(self, standard: Standard) -> None:
        try:
            async with self._session.begin_nested():
                await self._standards.save(standard)
        except IntegrityError as error:
            raise StandardOverlap from error

    def _record(
        self,
        actor: Principal,
        standard: Standard,
        action: StandardAction,
        reason: str,
        before: dict[str, Any] | None,
    ) -> None:
        self._standards.record(
            StandardChange(
                standard_id=standard.id,
                version=standard.version,
                action=action,
                at=standard.changed_at,
                by=actor.sub,
                client_id=actor.client_id,
                reason=reason,
                before=before,
                after=standard.state,
                correlation_id=correlation_id(),
            )
        )


def _with_words(wanted: StandardFilter) -> StandardFilter:
    """Find programmes by their Chinese names, too."""
    if wanted.q is None:
        return wanted
    return replace(wanted, words=[code for code, name in PROGRAMMES.items() if wanted.q in name])
