"""Queries over notices, their history and revisions."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Uuid,
    and_,
    delete,
    func,
    or_,
    select,
    text,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from contracts.documents import NoticeKind, NoticeStep, Urgency
from contracts.vocabulary import AccountStatus, NoticeStatus, Permission, Vocabulary
from office.addressing.rules import Address
from office.directory.models import Person, RoleAllowance, Unit
from office.groups.models import Group
from office.notices.models import Notice, Revision, Step
from office.writing.predicates import in_texts
from servicekit.lists import Listed, Order, by_id, listed_one
from servicekit.paging import PageRequest, instant
from servicekit.words import inline

MAX_STEPS = 500
MAX_REVISIONS = 500


@dataclass(frozen=True)
class OutboxFilter:
    """Which of the unit's own notices are wanted; None is no filter."""

    statuses: Sequence[NoticeStatus] = ()
    kinds: Sequence[NoticeKind] = ()
    urgency: Urgency | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Between these times it was issued, or drafted if it has not been issued."""
    words: str | None = None
    drafted_by: UUID | None = None
    drafts: bool = True
    """Whether drafts may be shown at all."""


class OutboxOrder(Vocabulary):
    """By which time the outbox is in order, the latest first."""

    CREATED = "created", "起草时间从新到旧"
    UPDATED = "updated", "修改时间从新到旧"

    @property
    def order(self) -> Order:
        """The order of the query."""
        if self is OutboxOrder.CREATED:
            return by_id(Notice.id, latest_first=True)
        return Order((Notice.updated_at, Notice.id), (instant, UUID), descending=True)


class NoticeTitle(NamedTuple):
    """What a notice is named by."""

    id: UUID
    title: str
    document_number: str | None


class Recipients(NamedTuple):
    """The units and groups that an address names; groups by id, without deleted ones."""

    units: Sequence[Unit]
    groups: dict[UUID, str]


_FILES = text(
    """
    SELECT DISTINCT CAST(attached ->> 'file_id' AS uuid) AS file_id
    FROM notice_revisions
         CROSS JOIN LATERAL jsonb_array_elements(notice_revisions.content -> 'attachments') AS attached
    WHERE notice_revisions.notice_id = :notice AND attached ->> 'file_id' IS NOT NULL
    """
).columns(file_id=Uuid())


class NoticeRepository:
    """Read and write notices."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def save(self, notice: Notice) -> None:
        """Write a new or changed notice."""
        self._session.add(notice)
        await self._session.flush()

    async def delete(self, notice: Notice) -> None:
        """Delete a draft with its history and revisions."""
        await self._session.execute(delete(Notice).where(Notice.id == notice.id))

    async def get(self, notice_id: UUID) -> Notice | None:
        """Return the notice as it is committed now, whoever may see it."""
        return await self._session.get(Notice, notice_id, populate_existing=True)

    async def lock_own(self, notice_id: UUID, unit: Unit) -> Notice | None:
        """Return the notice if `unit` published or drafts it, locked until the transaction ends."""
        statement = (
            select(Notice)
            .where(Notice.id == notice_id, Notice.publisher_id == unit.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        return (await self._session.scalars(statement)).one_or_none()

    async def lock_due(self, now: datetime) -> Notice | None:
        """Return a notice whose time of publication has come, locked, unless others publish it just now."""
        statement = (
            select(Notice)
            .where(Notice.status == inline(NoticeStatus.ISSUED), Notice.publish_at <= now)
            .order_by(Notice.publish_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        return (await self._session.scalars(statement)).one_or_none()

    async def archivable(self, before: datetime, now: datetime, limit: int) -> Sequence[UUID]:
        """Return notices that were published before `before` and are due before `now`, the oldest first."""
        statement = (
            select(Notice.id)
            .where(
                Notice.status == inline(NoticeStatus.PUBLISHED),
                Notice.published_at < before,
                Notice.deadline < now,
            )
            .order_by(Notice.published_at)
            .limit(limit)
        )
        return (await self._session.scalars(statement)).all()

    async def lock(self, notice_id: UUID) -> Notice | None:
        """Return the notice, locked until the transaction ends."""
        statement = (
            select(Notice)
            .where(Notice.id == notice_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        return (await self._session.scalars(statement)).one_or_none()

    async def outbox(
        self, unit: Unit, wanted: OutboxFilter, order: OutboxOrder, paging: PageRequest
    ) -> Listed[Notice]:
        """Return the unit's own notices without their texts, the newest first. Raises `BadCursor`."""
        statement = select(Notice).options(defer(Notice.body, raiseload=True)).where(*_wanted(unit, wanted))
        return await listed_one(self._session, statement, order.order, paging)

    async def counts(self, unit: Unit, *, drafts: bool) -> dict[NoticeStatus, int]:
        """Return the number of the unit's own notices in each status."""
        statement = (
            select(Notice.status, func.count())
            .where(*_wanted(unit, OutboxFilter(drafts=drafts)))
            .group_by(Notice.status)
        )
        return dict((await self._session.execute(statement)).all())

    async def names(self, people: Collection[UUID | None]) -> dict[UUID, str]:
        """Return the names of people; who is not replicated is absent."""
        rows = await self._session.execute(
            select(Person.sub, Person.name).where(Person.sub.in_({one for one in people if one is not None}))
        )
        return dict(rows.all())

    async def titles(self, notices: Iterable[UUID | None]) -> dict[UUID, NoticeTitle]:
        """Return what notices are named by, by their ids."""
        ids = {one for one in notices if one is not None}
        if not ids:
            return {}
        rows = await self._session.execute(
            select(Notice.id, Notice.title, Notice.document_number).where(Notice.id.in_(ids))
        )
        return {row.id: NoticeTitle(*row) for row in rows}

    async def recipients(self, unit_id: UUID, address: Address) -> Recipients:
        """Return the units and groups that an address of the unit names, in the order of paths and names."""
        units: Sequence[Unit] = ()
        if address.picked:
            found = select(Unit).where(Unit.id.in_(address.picked)).order_by(Unit.path)
            units = (await self._session.scalars(found)).all()
        if not address.groups:
            return Recipients(units, {})
        groups = await self._session.execute(
            select(Group.id, Group.name)
            .where(Group.id.in_(address.groups), Group.unit_id == unit_id)
            .order_by(Group.name, Group.id)
        )
        return Recipients(units, dict(groups.all()))

    async def has_reviewer(self, unit_id: UUID, authors: Collection[UUID]) -> bool:
        """Return whether the unit has somebody active who may review and is none of `authors`."""
        able = RoleAllowance.permissions.contains([Permission.NOTICES_REVIEW.value])
        roles = (await self._session.scalars(select(RoleAllowance.code).where(able))).all()
        memberships = type_coerce(Person.memberships, JSONB)
        statement = select(Person.sub).where(
            or_(
                and_(Person.unit_id == unit_id, Person.roles.overlap(list(roles))),
                *(memberships.contains([{"unit_id": str(unit_id), "roles": [role]}]) for role in roles),
            ),
            Person.status == AccountStatus.ACTIVE,
            Person.sub.not_in(authors),
        )
        return (await self._session.scalars(statement.limit(1))).first() is not None

    async def add_step(self, step: Step) -> None:
        """Write a step of the history."""
        self._session.add(step)
        await self._session.flush()

    async def steps(self, notice_id: UUID) -> Sequence[Step]:
        """Return the history of a notice, the oldest step first."""
        statement = select(Step).where(Step.notice_id == notice_id).order_by(Step.id).limit(MAX_STEPS)
        return (await self._session.scalars(statement)).all()

    async def last_return(self, notice_id: UUID) -> Step | None:
        """Return the step that returned the notice to its drafter, if it is the latest."""
        statement = select(Step).where(Step.notice_id == notice_id).order_by(Step.id.desc()).limit(1)
        last = (await self._session.scalars(statement)).one_or_none()
        return last if last is not None and last.step is NoticeStep.RETURNED else None

    async def authors(self, notice: Notice) -> set[UUID]:
        """Return everybody who has written the draft."""
        rows = await self._session.scalars(
            select(Revision.by).where(Revision.notice_id == notice.id).distinct()
        )
        return {notice.created_by, notice.updated_by, *rows}

    async def last_revision(self, notice_id: UUID) -> Revision | None:
        """Return the latest revision of a draft."""
        statement = (
            select(Revision).where(Revision.notice_id == notice_id).order_by(Revision.version.desc()).limit(1)
        )
        return (await self._session.scalars(statement)).one_or_none()

    async def save_revision(self, revision: Revision) -> None:
        """Write a new or continued revision."""
        self._session.add(revision)
        await self._session.flush()

    async def revisions(self, notice_id: UUID) -> Sequence[Revision]:
        """Return the revisions of a draft, the latest first."""
        statement = (
            select(Revision)
            .where(Revision.notice_id == notice_id)
            .order_by(Revision.version.desc())
            .limit(MAX_REVISIONS)
        )
        return (await self._session.scalars(statement)).all()

    async def files_of_revisions(self, notice_id: UUID) -> set[UUID]:
        """Return the files of all revisions of a draft."""
        return set(await self._session.scalars(_FILES, {"notice": notice_id}))

    async def revision(self, notice_id: UUID, version: int) -> Revision | None:
        """Return one revision of a draft."""
        return await self._session.get(Revision, (notice_id, version))


def _wanted(unit: Unit, wanted: OutboxFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [Notice.publisher_id == unit.id]
    if not wanted.drafts:
        conditions.append(Notice.status != NoticeStatus.DRAFT)
    if wanted.statuses:
        conditions.append(Notice.status.in_(wanted.statuses))
    if wanted.kinds:
        conditions.append(Notice.kind.in_(wanted.kinds))
    if wanted.urgency is not None:
        conditions.append(Notice.urgency == wanted.urgency)
    if wanted.drafted_by is not None:
        conditions.append(Notice.created_by == wanted.drafted_by)
    dated = func.coalesce(Notice.issued_at, Notice.created_at)
    if wanted.since is not None:
        conditions.append(dated >= wanted.since)
    if wanted.until is not None:
        conditions.append(dated < wanted.until)
    texts = (Notice.title, Notice.plain, Notice.document_number)
    return [*conditions, *in_texts(wanted.words, Notice.words, texts)]
