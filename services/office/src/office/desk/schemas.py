"""API schemas of tasks."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.documents import Urgency
from contracts.vocabulary import Open, TaskAction, TaskClock, TaskKind, TaskState
from office.desk.list_rows import Line, TaskRow
from office.desk.lists import Counts
from office.desk.rules import Act, Me
from office.desk.service import Detail, acts, state
from office.directory.schemas import UnitRef
from office.tasks.models import Task
from office.tasks.rules import MAX_NOTE, time_left
from workdays import published_calendar

_TEXT = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"


class PersonRef(BaseModel):
    """The identification of a person."""

    model_config = ConfigDict(from_attributes=True)

    sub: UUID = Field(description="人员标识")
    name: str = Field(description="姓名", examples=["张三"])


class WithdrawalOut(BaseModel):
    """Why a task no longer concerns those who had it."""

    at: datetime = Field(description="撤回时间")
    cause: str = Field(
        description="撤回原因，可以展示给用户", examples=["《关于举办培训的通知》已撤回：时间有误"]
    )
    subject_gone: bool = Field(description="办理对象是否已不存在")


class TaskOut(BaseModel):
    """A task, as it concerns one unit of the caller or the caller alone."""

    id: UUID
    kind: Open[TaskKind] = Field(description="待办类型", examples=["sign"])
    subject: str = Field(description="办理对象", examples=["notice/0192f0c1-7a3b-7c11-9a56-0d5b8f6e2a10"])
    title: str = Field(description="标题", examples=["关于举办全国学生资助业务培训的通知"])
    link: str = Field(
        description="办理页面：以 / 开头的为前端路径，其余为完整地址",
        examples=["/notices/0192f0c1-7a3b-7c11-9a56-0d5b8f6e2a10"],
    )
    urgency: Urgency = Field(description="紧急程度")
    deadline: datetime | None = Field(description="截止时间；没有期限时为空")
    clock: TaskClock | None = Field(description="期限按工作日还是自然日规定；直接规定截止时间的为空")
    clock_count: int | None = Field(description="期限的天数", examples=[5])
    provisional: bool = Field(description="截止时间所在年份的工作日安排尚未公布，公布后可能调整")
    days_left: int | None = Field(description="距截止日的自然日数，当日为 0；已逾期或没有期限时为空")
    workdays_left: int | None = Field(description="距截止日的工作日数；已逾期、没有期限或超过 120 天时为空")
    overdue: bool = Field(description="待办是否已逾期")
    unit: UnitRef | None = Field(description="办理单位；与单位工作无关的个人事项为空")
    acting: bool = Field(description="是否属于当前令牌所代表的单位；否时须切换单位后办理")
    personal: bool = Field(description="是否指派给本人")
    state: TaskState = Field(description="状态")
    holder: PersonRef | None = Field(description="领取人或承办人")
    taken_at: datetime | None = Field(description="领取时间")
    done_by: PersonRef | None = Field(description="办结人")
    done_at: datetime | None = Field(description="办结时间")
    withdrawal: WithdrawalOut | None = Field(description="撤回情况；未撤回时为空")
    opened_at: datetime = Field(description="产生时间")
    may: list[Act] = Field(description="以当前令牌现在可以进行的操作")

    @classmethod
    def of(cls, line: Line, me: Me, now: datetime) -> Self:
        """Convert a line of a list."""
        task, share = line.task, line.share
        left, now_state = time_left(line.deadline, now, published_calendar()), state(line)
        personal = share is not None and share.personal
        unit_id = share.unit_id if share is not None else None if line.unit is None else line.unit.id
        return cls(
            id=task.id,
            kind=task.kind,
            subject=task.subject,
            title=task.title,
            link=task.link,
            urgency=task.urgency,
            deadline=line.deadline,
            clock=task.clock,
            clock_count=task.clock_count,
            provisional=task.provisional,
            days_left=left.days,
            workdays_left=left.workdays,
            overdue=now_state is TaskState.OPEN and line.deadline is not None and line.deadline < now,
            unit=None if line.unit is None else UnitRef.model_validate(line.unit),
            acting=(personal and unit_id is None) or unit_id == me.acting,
            personal=personal,
            state=now_state,
            holder=None if line.holder is None else PersonRef.model_validate(line.holder),
            taken_at=None if share is None else share.taken_at,
            done_by=None if line.done_by is None else PersonRef.model_validate(line.done_by),
            done_at=None if share is None else share.done_at,
            withdrawal=_withdrawal(task),
            opened_at=task.opened_at,
            may=acts(line, me),
        )


class EntryOut(BaseModel):
    """One entry of a task's history."""

    action: TaskAction = Field(description="操作")
    at: datetime = Field(description="时间")
    by: PersonRef | None = Field(description="操作人；由系统进行的为空")
    to: PersonRef | None = Field(description="转交、移交的对象；退回单位的为空")
    note: str | None = Field(description="附言", examples=["请明天上午前办理"])


class TaskDetail(TaskOut):
    """A task with its history."""

    owner: PersonRef | None = Field(description="发起人")
    owner_unit: UnitRef | None = Field(description="发起单位")
    history: list[EntryOut] = Field(description="办理过程，从早到晚，最多 200 条")

    @classmethod
    def of_detail(cls, detail: Detail, me: Me, now: datetime) -> Self:
        """Convert a task with its history."""
        task, share, people = detail.task, detail.line.share, detail.people

        def named(sub: UUID | None) -> PersonRef | None:
            person = None if sub is None else people.get(sub)
            return None if person is None else PersonRef.model_validate(person)

        entries = [
            EntryOut(action=one.action, at=one.at, by=named(one.by), to=named(one.to), note=one.note)
            for one in detail.entries
        ]
        opened = EntryOut(
            action=TaskAction.OPENED, at=task.opened_at, by=named(task.owner), to=None, note=None
        )
        ends: list[EntryOut] = []
        if share is not None and share.done_at is not None:
            done = EntryOut(
                action=TaskAction.DONE, at=share.done_at, by=named(share.done_by), to=None, note=None
            )
            ends.append(done)
        if task.withdrawn_at is not None:
            ends.append(
                EntryOut(
                    action=TaskAction.WITHDRAWN,
                    at=task.withdrawn_at,
                    by=named(task.withdrawn_by),
                    to=None,
                    note=task.cause,
                )
            )
        return cls(
            **TaskOut.of(detail.line, me, now).model_dump(),
            owner=named(task.owner),
            owner_unit=None if detail.owner_unit is None else UnitRef.model_validate(detail.owner_unit),
            history=[opened, *entries, *ends],
        )


class KindCount(BaseModel):
    """Open tasks of one kind."""

    kind: Open[TaskKind] = Field(description="待办类型", examples=["sign"])
    open: int = Field(description="待办数", examples=[3])
    overdue: int = Field(description="其中已逾期的", examples=[1])


class UnitCount(BaseModel):
    """Open tasks of the caller in one unit."""

    unit: UnitRef | None = Field(description="单位；与单位工作无关的个人事项为空")
    acting: bool = Field(description="是否为当前令牌所代表的单位")
    open: int = Field(description="待办数", examples=[5])
    mine: int = Field(description="其中本人领取和指派给本人的", examples=[2])
    overdue: int = Field(description="其中已逾期的", examples=[1])
    kinds: list[KindCount] = Field(description="按类型")


class CountsOut(BaseModel):
    """Open tasks of the caller, for badges. Counted up to 10,000."""

    open: int = Field(description="全部单位的待办数", examples=[7])
    mine: int = Field(description="其中本人领取和指派给本人的", examples=[2])
    overdue: int = Field(description="其中已逾期的", examples=[1])
    units: list[UnitCount] = Field(description="按单位，当前单位在前")

    @classmethod
    def of(cls, counts: Counts) -> Self:
        """Convert the counts of a person."""
        ids: list[UUID | None] = [place.unit_id for place in counts.me.places]
        if any(line.unit_id is None for line in counts.lines):
            ids.append(None)
        units = []
        for unit_id in ids:
            lines = [line for line in counts.lines if line.unit_id == unit_id]
            unit = None if unit_id is None else counts.units.get(unit_id)
            if unit is None and unit_id is not None:
                continue
            units.append(
                UnitCount(
                    unit=None if unit is None else UnitRef.model_validate(unit),
                    acting=unit_id == counts.me.acting,
                    open=sum(line.open for line in lines),
                    mine=sum(line.mine for line in lines),
                    overdue=sum(line.overdue for line in lines),
                    kinds=[KindCount(kind=line.kind, open=line.open, overdue=line.overdue) for line in lines],
                )
            )
        return cls(
            open=sum(line.open for line in counts.lines),
            mine=sum(line.mine for line in counts.lines),
            overdue=sum(line.overdue for line in counts.lines),
            units=units,
        )


class NoteIn(BaseModel):
    """A note for colleagues."""

    note: str | None = Field(
        default=None, max_length=MAX_NOTE, pattern=_TEXT, description="附言", examples=["出差，请代办"]
    )


class DelegationIn(NoteIn):
    """To whom a task is passed on."""

    to: UUID = Field(description="本单位同事的人员标识")


def _withdrawal(task: Task | TaskRow) -> WithdrawalOut | None:
    if task.withdrawn_at is None:
        return None
    return WithdrawalOut(at=task.withdrawn_at, cause=task.cause or "", subject_gone=task.subject_gone)
