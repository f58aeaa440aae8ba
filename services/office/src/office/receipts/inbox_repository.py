"""Queries of inboxes, on a lane."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from contracts.documents import NoticeKind, Urgency
from contracts.vocabulary import NoticeStatus
from office.dispatches.rules import overdue_before
from office.receipts import inbox_statements as statements
from office.receipts.rules import RECEIVED, InboxSort
from servicekit.lanes import Lane


@dataclass(frozen=True)
class InboxFilter:
    """Which notices of an inbox a caller wants; None is no restriction."""

    status: NoticeStatus | None = None
    kind: NoticeKind | None = None
    signed: bool | None = None
    read: bool | None = None
    overdue: bool | None = None
    answered: bool | None = None
    urgency: Urgency | None = None
    words: str | None = None

    @property
    def is_set(self) -> bool:
        """Whether anything but the status is restricted."""
        return self != InboxFilter(self.status)

    def values(self, unit_id: UUID, reader: UUID, now: datetime) -> dict[str, Any]:
        """Return the parameters of the statements at `now`."""
        return {
            "unit": unit_id,
            "reader": reader,
            "statuses": [one.value for one in (RECEIVED if self.status is None else (self.status,))],
            "kind": self.kind,
            "signed": self.signed,
            "read": self.read,
            "overdue": self.overdue,
            "overdue_before": overdue_before(now),
            "answered": self.answered,
            "urgency": self.urgency,
            "words": None if self.words is None else statements.contains(self.words),
        }


class InboxCounts(NamedTuple):
    """Published notices that the person has not read, and that the unit has not signed, is late to sign, and
    has not answered.
    """

    unread: int
    unsigned: int
    overdue: int
    unanswered: int


class InboxRepository:
    """Read the inbox of a unit as one person in it sees it."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane

    async def status(self, unit_id: UUID) -> str | None:
        """Return the status of the unit; None if it is not known here."""
        row = await self._lane.first(statements.OWN, {"unit": unit_id})
        return None if row is None else row.status

    async def lines(
        self,
        unit_id: UUID,
        reader: UUID,
        wanted: InboxFilter,
        sort: InboxSort,
        *,
        now: datetime,
        after: Sequence[Any] | None,
        limit: int,
    ) -> Sequence[Any]:
        """Return notices that the unit has, starting after `after`: the time of the sort and the notice's id.

        A notice that reached it at a former place keeps that delivery.
        """
        values = wanted.values(unit_id, reader, now) | {"limit": limit}
        if after is not None:
            values["after_time"], values["after_notice"] = after
        statement = statements.page(sort, after=after is not None, filtered=wanted.is_set)
        return await self._lane.all(statement, values)

    async def count(self, unit_id: UUID, reader: UUID, wanted: InboxFilter, *, now: datetime) -> int:
        """Return how many notices are wanted, up to one more than lists count."""
        statement = statements.total(filtered=wanted.is_set)
        return int((await self._lane.first(statement, wanted.values(unit_id, reader, now))).lines)

    async def counts(self, unit_id: UUID, reader: UUID, now: datetime) -> InboxCounts:
        """Return what waits for the person and the unit, each up to one more than lists count."""
        published = InboxFilter(NoticeStatus.PUBLISHED)
        wanted = (
            replace(published, read=False),
            replace(published, signed=False),
            replace(published, overdue=True),
            replace(published, answered=False),
        )
        return InboxCounts(*[await self.count(unit_id, reader, one, now=now) for one in wanted])
