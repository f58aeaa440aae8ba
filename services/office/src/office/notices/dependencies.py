"""Build the feature's service for each request, and say who may see the files of a notice."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession

from office.actors import Actor
from office.addressing.dependencies import AddressingService
from office.addressing.service import Addressing
from office.directory.dependencies import UnitService
from office.directory.models import Unit
from office.directory.service import Units
from office.dispatches.dependencies import DispatchService
from office.dispatches.service import Dispatches
from office.files.dependencies import AttachmentService
from office.files.guards import Shown
from office.files.service import Attachments
from office.groups.service import Groups
from office.notices.service import Notices
from office.numbering.dependencies import NumberingService
from office.numbering.service import Numbering
from office.tasks.dependencies import TaskService
from office.tasks.service import Tasks
from servicekit.clock import Clock
from servicekit.db import Session
from servicekit.dependencies import ServiceClock


async def _notices(
    session: Session,
    clock: ServiceClock,
    units: UnitService,
    addressing: AddressingService,
    dispatches: DispatchService,
    numbering: NumberingService,
    tasks: TaskService,
    files: AttachmentService,
) -> Notices:
    return Notices(session, clock, units, addressing, dispatches, numbering, tasks, files)


async def file_guard(session: AsyncSession, clock: Clock, actor: Actor, unit: Unit, notice_id: UUID) -> Shown:
    """See `office.files.guards.Guard`. Raises `NotFound`, `NoticeWithdrawn`."""
    units, addressing = Units(session), Addressing(session, Groups(session, clock))
    notices = Notices(
        session,
        clock,
        units,
        addressing,
        Dispatches(session, units, addressing),
        Numbering(session, clock, units),
        Tasks(session, clock),
        Attachments(session, clock),
    )
    return await notices.files(actor, unit, notice_id)


NoticeService = Annotated[Notices, Depends(_notices)]
