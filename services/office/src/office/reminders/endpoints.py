"""The API of reminders (催办)."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from authkit.errors import OutOfReach, PermissionRequired
from contracts.vocabulary import ReminderReason
from office.actors import Member
from office.directory.errors import REFUSALS
from office.groups.dependencies import PartQuery
from office.notices.auth import Officer
from office.notices.errors import NOT_CIRCULATING
from office.reminders.dependencies import ReminderService
from office.reminders.errors import AlreadyReminding
from office.reminders.schemas import (
    ReminderOut,
    ReminderPreviewOut,
    RemindIn,
    RunOut,
    ScheduleIn,
    ScheduleOut,
)
from office.returns.errors import NoReceiptNeeded
from servicekit.lists import AgeSort
from servicekit.paging import BadCursor, CountedPage, Paging
from servicekit.problems import NotFound, responses

router = APIRouter(prefix="/api/v1", tags=["催办"])

_SENDING = (*REFUSALS, PermissionRequired, OutOfReach, NotFound, NoReceiptNeeded, *NOT_CIRCULATING)


@router.get("/reminders", summary="本单位收到的催办", responses=responses(*REFUSALS, BadCursor))
async def list_received_reminders(
    actor: Member,
    reminders: ReminderService,
    paging: Paging,
    reason: Annotated[ReminderReason | None, Query(description="提醒的原因")] = None,
    sort: Annotated[AgeSort, Query(description="排列")] = AgeSort.NEWEST,
) -> CountedPage[ReminderOut]:
    """默认从新到旧；已签收的、已撤回的通知不再列出。"""
    return (await reminders.received(actor, reason, sort, paging)).page(ReminderOut.of)


@router.get(
    "/notices/{notice_id}/reminders/preview", summary="催办前查看单位数", responses=responses(*_SENDING)
)
async def preview_reminders(
    notice_id: UUID,
    actor: Officer,
    reminders: ReminderService,
    part: PartQuery,
) -> ReminderPreviewOut:
    """至多提醒的单位数。4 小时内已就该通知催办过的单位、已退回的单位不重复提醒。"""
    return ReminderPreviewOut.of(await reminders.preview(actor, notice_id, part))


@router.post(
    "/notices/{notice_id}/reminders",
    status_code=202,
    summary="催办",
    responses=responses(*_SENDING, AlreadyReminding),
)
async def remind_units(
    notice_id: UUID,
    body: RemindIn,
    actor: Officer,
    reminders: ReminderService,
    response: Response,
) -> RunOut:
    """在后台提醒未签收的单位签收、未转发的单位转发，分批进行，可查看进度。可以只催办通讯录中一个分组的单位。"""
    view = await reminders.remind(actor, notice_id, body.part(), sms=body.sms)
    response.headers["Location"] = f"/api/v1/notices/{notice_id}/reminders/{view.run.id}"
    return RunOut.of(view)


@router.get(
    "/notices/{notice_id}/reminders",
    summary="通知的催办记录",
    responses=responses(*REFUSALS, PermissionRequired, NotFound, BadCursor),
)
async def list_reminder_runs(
    notice_id: UUID,
    actor: Officer,
    reminders: ReminderService,
    paging: Paging,
    sort: Annotated[AgeSort, Query(description="排列")] = AgeSort.NEWEST,
) -> CountedPage[RunOut]:
    """本单位的手工催办和定时催办，默认从新到旧。"""
    return (await reminders.runs(actor, notice_id, sort, paging)).page(RunOut.of)


@router.get(
    "/notices/{notice_id}/reminders/{run_id}",
    summary="催办的进度",
    responses=responses(*REFUSALS, PermissionRequired, NotFound),
)
async def get_reminder_run(
    notice_id: UUID, run_id: UUID, actor: Officer, reminders: ReminderService
) -> RunOut:
    """已提醒的单位数和进度。"""
    return RunOut.of(await reminders.run(actor, notice_id, run_id))


@router.get(
    "/notices/{notice_id}/reminder-schedule",
    summary="通知的定时催办",
    responses=responses(*REFUSALS, PermissionRequired, NotFound),
)
async def get_reminder_schedule(notice_id: UUID, actor: Officer, reminders: ReminderService) -> ScheduleOut:
    """未设置时为默认：截止前 1 个工作日、当日、其后第 1 和第 3 个工作日。"""
    return ScheduleOut.of(await reminders.schedule(actor, notice_id))


@router.put(
    "/notices/{notice_id}/reminder-schedule",
    summary="设置定时催办",
    responses=responses(*REFUSALS, PermissionRequired, NotFound),
)
async def set_reminder_schedule(
    notice_id: UUID, body: ScheduleIn, actor: Officer, reminders: ReminderService
) -> ScheduleOut:
    """由发文单位设置。"""
    return ScheduleOut.of(await reminders.set_schedule(actor, notice_id, body.offsets, sms=body.sms))
