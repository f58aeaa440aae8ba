"""The API of a person's tasks: lists, counts, taking, releasing, passing on."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from contracts.documents import Urgency
from office.actors import Member
from office.desk.dependencies import DeskService, ListService
from office.desk.rules import Filters, Sort, View
from office.desk.schemas import CountsOut, DelegationIn, NoteIn, TaskDetail, TaskOut
from office.directory.errors import REFUSALS
from office.tasks import errors
from servicekit.dependencies import ServiceClock
from servicekit.instants import Instant
from servicekit.outages import DatabaseBusy
from servicekit.paging import BadCursor, CountedPage, Paging
from servicekit.problems import NotFound, responses

router = APIRouter(prefix="/api/v1/tasks", tags=["统一待办"])

_ACTING = (*REFUSALS, NotFound, *errors.CLOSED, errors.ActingForOtherUnit)


async def _filters(
    kind: Annotated[list[str] | None, Query(max_length=20, description="只列这些类型的")] = None,
    urgency: Annotated[list[Urgency] | None, Query(description="只列这些紧急程度的")] = None,
    unit: Annotated[UUID | None, Query(description="只列本人所在的该单位的")] = None,
    due_from: Annotated[Instant | None, Query(description="只列不早于此时截止的")] = None,
    due_until: Annotated[Instant | None, Query(description="只列早于此时截止的")] = None,
    q: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=50,
            pattern=r"^[^\x00-\x1f\x7f]+$",
            description="标题中的文字，多个词以空格分开",
            examples=["培训"],
        ),
    ] = None,
) -> Filters:
    words = None if q is None or not q.strip() else q
    return Filters(tuple(kind or ()), tuple(urgency or ()), unit, due_from, due_until, words)


@router.get(
    "",
    summary="列出本人的待办",
    response_model=CountedPage[TaskOut],
    responses=responses(*REFUSALS, BadCursor, DatabaseBusy),
)
async def list_tasks(
    actor: Member,
    lists: ListService,
    paging: Paging,
    filters: Annotated[Filters, Depends(_filters)],
    view: Annotated[View, Query(description="哪个列表")] = View.OPEN,
    sort: Annotated[Sort, Query(description="排序；已办和已撤回的总是按结束时间从新到旧")] = Sort.NEWEST,
) -> Response:
    """包括本人所在各单位的待办；属于其他单位的，须切换到该单位后办理。"""
    found = await lists.list(actor, paging, view, filters, sort)
    items = [TaskOut.of(line, found.me, found.now) for line in found.page.items]
    page = CountedPage[TaskOut](items=items, next=found.page.next, total=found.total)
    # The lines have been validated once.
    return Response(page.model_dump_json(), media_type="application/json")


@router.get(
    "/counts",
    summary="待办的数量",
    responses=responses(*REFUSALS, DatabaseBusy),
)
async def count_tasks(actor: Member, lists: ListService) -> CountsOut:
    """本人所在各单位的待办数，按类型分列，供角标使用。可以定时读取；有变化时事件流也会推送。"""
    return CountsOut.of(await lists.counts(actor))


@router.get(
    "/{task_id}",
    summary="查看待办",
    responses=responses(*REFUSALS, NotFound),
)
async def get_task(
    task_id: UUID,
    actor: Member,
    desk: DeskService,
    clock: ServiceClock,
    unit: Annotated[UUID | None, Query(description="本人在多个单位都有该事项时，看哪个单位的")] = None,
) -> TaskDetail:
    """连同办理过程。本人所在单位的、指派给本人的、本人发起的可以查看。"""
    return TaskDetail.of_detail(await desk.get(actor, task_id, unit), await desk.me(actor), clock.now())


@router.post(
    "/{task_id}/take",
    summary="领取待办",
    responses=responses(*_ACTING, errors.TaskTaken, errors.TaskPersonal),
)
async def take_task(task_id: UUID, actor: Member, desk: DeskService, clock: ServiceClock) -> TaskDetail:
    """领取后由本人办理，同事的待办列表不再显示。重复领取不改变什么。"""
    return TaskDetail.of_detail(await desk.take(actor, task_id), await desk.me(actor), clock.now())


@router.post(
    "/{task_id}/release",
    summary="放回待办",
    responses=responses(*_ACTING, errors.TaskNotTaken, errors.TaskPersonal),
)
async def release_task(
    task_id: UUID, actor: Member, body: NoteIn, desk: DeskService, clock: ServiceClock
) -> TaskDetail:
    """放回本单位，由同事领取。领取人和单位管理员可以放回。"""
    detail = await desk.release(actor, task_id, body.note)
    return TaskDetail.of_detail(detail, await desk.me(actor), clock.now())


@router.post(
    "/{task_id}/delegate",
    summary="转交待办",
    responses=responses(*_ACTING, errors.NotColleague, errors.TaskTaken, errors.TaskPersonal),
)
async def delegate_task(
    task_id: UUID, actor: Member, body: DelegationIn, desk: DeskService, clock: ServiceClock
) -> TaskDetail:
    """转交给本单位的同事。领取人和单位管理员可以转交；无人领取时，具有办理角色的人员都可以。"""
    detail = await desk.delegate(actor, task_id, body.to, body.note)
    return TaskDetail.of_detail(detail, await desk.me(actor), clock.now())


@router.post(
    "/{task_id}/done",
    summary="标记待办为已办",
    responses=responses(*_ACTING, errors.TaskDoneElsewhere, errors.TaskTaken),
)
async def finish_task(task_id: UUID, actor: Member, desk: DeskService, clock: ServiceClock) -> TaskDetail:
    """只用于没有办理页面的事项；其他事项在办理页面完成后自动办结。"""
    return TaskDetail.of_detail(await desk.done(actor, task_id), await desk.me(actor), clock.now())
