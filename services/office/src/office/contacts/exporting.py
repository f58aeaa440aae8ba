"""Exports of the address book as a workbook or as business cards, in the background.

What is exported is what the person may see when the job runs. Each sheet and each card says who made it.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, Final, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.documents import ContactField, ContactRelation, ExportFormat
from contracts.vocabulary import AccountStatus
from filekit.vcards import Card
from filekit.xlsx_writer import Cell, Column, SheetWriter
from jobs.job import Job
from jobs.kinds import PermanentFailure
from office.actors import Actor
from office.contacts.errors import ContactsHidden, TooManyContacts
from office.contacts.predicates import Viewer
from office.contacts.repository import Contact, ContactRepository, Selection
from office.contacts.rules import MAX_EXPORTED
from office.contacts.service import Contacts
from office.directory.models import Person, Unit
from office.directory.service import Units
from office.exports.jobs import Which
from office.exports.models import Export
from office.exports.service import Exports, ExportView
from office.groups.dependencies import groups_for
from office.groups.service import Groups
from servicekit.clock import SHANGHAI, Clock

EXPORT_KIND: Final = "contacts"
_PAGE: Final = 500
_COLUMNS: Final = (
    Column("姓名", 14),
    Column("单位", 36),
    Column("职务", 20),
    Column("手机号", 16),
    Column("值班电话", 20),
)


class ContactExports:
    """Starts exports within one request."""

    def __init__(
        self, session: AsyncSession, contacts: Contacts, units: Units, groups: Groups, exports: Exports
    ) -> None:
        self._session = session
        self._contacts = contacts
        self._units = units
        self._groups = groups
        self._exports = exports

    async def start(
        self,
        actor: Actor,
        unit_id: UUID,
        *,
        below: bool,
        format: ExportFormat,  # noqa: A002 - as in the API
    ) -> ExportView:
        """Have the people of a unit exported, with those of the units below it if `below`.

        Raises `NotFound`, `UnitHidden`, `ContactsHidden`, `TooManyContacts`, `TooManyExports`, and as
        `Contacts.viewer` does.
        """
        viewer = await self._contacts.viewer(actor)
        card = (await self._contacts.unit(actor, unit_id)).card
        if not viewer.sees(card.relation, ContactField.EXPORT):
            raise ContactsHidden
        return await self._started(
            actor,
            viewer,
            Selection(card.unit.path, below),
            subject=f"unit/{unit_id}",
            name=card.unit.name,
            parameters={"unit_id": str(unit_id), "below": below},
            format=format,
        )

    async def start_group(
        self,
        actor: Actor,
        group_id: UUID,
        *,
        format: ExportFormat,  # noqa: A002 - as in the API
    ) -> ExportView:
        """Have the people of a group exported, and those of its units: whom the person may export of them.

        Raises as `start` does, `NotFound` for the group of somebody else.
        """
        viewer = await self._contacts.viewer(actor)
        group, _ = await self._groups.get(actor, group_id)
        if not any(viewer.sees(one, ContactField.EXPORT) for one in ContactRelation):
            raise ContactsHidden
        return await self._started(
            actor,
            viewer,
            Selection(group_id=group_id),
            subject=f"contact-group/{group_id}",
            name=group.name,
            parameters={"group_id": str(group_id)},
            format=format,
        )

    async def _started(
        self,
        actor: Actor,
        viewer: Viewer,
        selection: Selection,
        *,
        subject: str,
        name: str,
        parameters: dict[str, Any],
        format: ExportFormat,  # noqa: A002 - as in the API
    ) -> ExportView:
        rows = ContactRepository(self._session, viewer)
        if await rows.count_selected(selection, MAX_EXPORTED + 1) > MAX_EXPORTED:
            raise TooManyContacts
        return await self._exports.start(
            actor,
            EXPORT_KIND,
            subject=subject,
            name=f"通讯录-{name}",
            parameters={**parameters, "permissions": sorted(viewer.permissions)},
            format=format,
        )


class _Book(Protocol):
    """A file of contacts. Its methods block."""

    def write(self, contacts: Sequence[Contact]) -> None: ...

    def close(self) -> None: ...


class _Sheet:
    def __init__(self, file: BinaryIO, mark: str) -> None:
        self._sheet = SheetWriter(file, "通讯录", _COLUMNS, mark=mark)

    def write(self, contacts: Sequence[Contact]) -> None:
        self._sheet.write(_row(one) for one in contacts)

    def close(self) -> None:
        self._sheet.close()


class _Cards:
    def __init__(self, file: BinaryIO, mark: str, now: datetime) -> None:
        self._file = file
        self._mark = mark
        self._now = now

    def write(self, contacts: Sequence[Contact]) -> None:
        for one in contacts:
            card = Card(one.sub, one.name, [one.unit_name], one.posts, phone=one.duty_phone, note=self._mark)
            self._file.write(card.text(self._now).encode())

    def close(self) -> None:
        pass


@dataclass(frozen=True)
class _Task:
    """What a job exports, for whom."""

    viewer: Viewer
    selection: Selection
    mark: str
    total: int


class Exporting:
    """Writes exports of contacts."""

    def __init__(self, clock: Clock, units: Callable[[AsyncSession], Units]) -> None:
        self._clock = clock
        self._units = units

    async def write(self, job: Job[Which], export: Export, file: BinaryIO) -> int:
        """Write the file; return the number of people. Each page is a transaction of its own."""
        async with job.transaction() as session:
            task = await self._task(session, export)
        book: _Book
        if export.format is ExportFormat.VCF:
            book = _Cards(file, task.mark, self._clock.now())
        else:
            book = await asyncio.to_thread(_Sheet, file, task.mark)
        after: tuple[str, str, UUID] | None = None
        written = 0
        while written < MAX_EXPORTED:
            limit = min(_PAGE, MAX_EXPORTED - written)
            async with job.transaction() as session:
                rows = ContactRepository(session, task.viewer)
                page = await rows.selected(task.selection, after=after, limit=limit)
            if not page:
                break
            await asyncio.to_thread(book.write, [contact for _, contact in page])
            path, last = page[-1]
            after, written = (path, last.sorted, last.sub), written + len(page)
            await job.progress(written, max(task.total, written), f"已写入 {written} 人")
        await asyncio.to_thread(book.close)
        return written

    async def _task(self, session: AsyncSession, export: Export) -> _Task:
        """Return the task as things are now. Raises `PermanentFailure` if the person or the unit has gone."""
        parameters: dict[str, Any] = export.parameters
        units = self._units(session)
        own = await units.get(export.unit_id)
        person = await units.person(export.created_by)
        selection = await self._selection(session, export)
        if not (_belongs(person, own) and person is not None and own is not None):
            raise PermanentFailure("the person is not there any more")
        viewer = Viewer(person.sub, own.id, own.parent_id, own.path, frozenset(parameters["permissions"]))
        total = await ContactRepository(session, viewer).count_selected(selection, MAX_EXPORTED)
        when = f"{self._clock.now().astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
        mark = f"{person.name}（{own.name}）于 {when} 导出，仅供工作使用"
        return _Task(viewer, selection, mark, total)

    async def _selection(self, session: AsyncSession, export: Export) -> Selection:
        parameters: dict[str, Any] = export.parameters
        if "group_id" in parameters:
            group_id = UUID(parameters["group_id"])
            groups = groups_for(session, self._clock)
            if not await groups.exists(group_id, unit_id=export.unit_id, by=export.created_by):
                raise PermanentFailure("the group is not there any more")
            return Selection(group_id=group_id)
        unit = await self._units(session).get(UUID(parameters["unit_id"]))
        if unit is None:
            raise PermanentFailure("the unit is not there any more")
        return Selection(unit.path, bool(parameters["below"]))


def _belongs(person: Person | None, own: Unit | None) -> bool:
    if person is None or own is None or person.status != AccountStatus.ACTIVE or not own.is_active:
        return False
    return own.id == person.unit_id or any(one.unit_id == own.id for one in person.memberships)


def _row(one: Contact) -> list[Cell]:
    return [one.name, one.unit_name, "、".join(one.posts), one.phone_masked, one.duty_phone]
