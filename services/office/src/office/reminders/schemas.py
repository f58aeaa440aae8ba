"""API schemas of reminders."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.vocabulary import ReminderReason
from office.groups.rules import Part
from office.reminders.models import ReminderSchedule
from office.reminders.repository import Reminded
from office.reminders.rules import MAX_OFFSET, MAX_OFFSETS
from office.reminders.service import Preview, RunView

_SMS = "是否同时发短信，由统一用户认证在额度内发给单位管理员"


class ReminderPreviewOut(BaseModel):
    """How many units would be reminded."""

    unsigned: int = Field(description="已送达而未签收的单位数", examples=[37])
    blocking: int = Field(description="未转发、致使下级收不到的单位数", examples=[1])

    @classmethod
    def of(cls, preview: Preview) -> Self:
        """Convert a preview."""
        return cls(unsigned=preview.unsigned, blocking=preview.blocking)


class RemindIn(BaseModel):
    """A run by hand."""

    model_config = ConfigDict(extra="forbid")

    under: UUID | None = Field(default=None, description="催办该单位及其下级；默认本单位")
    group: UUID | None = Field(
        default=None, description="只催办通讯录中该分组的单位，和致使其收不到的上级单位", examples=[None]
    )

    def part(self) -> Part:
        """Return which units are reminded."""
        return Part(self.under, self.group)

    sms: bool = Field(default=False, description=_SMS, examples=[False])


class RunOut(BaseModel):
    """A run of reminders."""

    id: UUID = Field(description="催办的标识")
    notice_id: UUID = Field(description="通知")
    unit_id: UUID = Field(description="催办范围：该单位及其下级")
    unit_name: str | None = Field(description="该单位的名称", examples=["山东省学生资助管理中心"])
    group_id: UUID | None = Field(description="只催办通讯录中该分组的单位；空为全部")
    group_name: str | None = Field(description="该分组的名称；已删除或本人不可见的为空", examples=["试点县"])
    offset: int | None = Field(description="定时催办：距截止日的工作日数；手工催办为空", examples=[-1])
    sms: bool = Field(description=_SMS, examples=[False])
    unsigned: int = Field(description="已提醒签收的单位数", examples=[37])
    blocking: int = Field(description="已提醒转发的单位数", examples=[1])
    created_at: datetime = Field(description="开始时间")
    finished_at: datetime | None = Field(description="完成时间；进行中为空")
    done: int | None = Field(description="已检查的单位数；仅在单个查看且进行中时有", examples=[1500])
    total: int | None = Field(description="预计检查的单位数", examples=[48000])

    @classmethod
    def of(cls, view: RunView) -> Self:
        """Convert a run, with the progress of its job."""
        run, job = view.run, view.job
        running = job is not None and run.finished_at is None
        return cls(
            id=run.id,
            notice_id=run.notice_id,
            unit_id=run.unit_id,
            unit_name=None if view.unit is None else view.unit.name,
            group_id=run.group_id,
            group_name=None if run.group_id is None else view.groups.get(run.group_id),
            offset=run.offset,
            sms=run.sms,
            unsigned=run.unsigned,
            blocking=run.blocking,
            created_at=run.created_at,
            finished_at=run.finished_at,
            done=job.done if running and job is not None else None,
            total=job.total if running and job is not None else None,
        )


class ScheduleIn(BaseModel):
    """When units are reminded of a notice."""

    model_config = ConfigDict(extra="forbid")

    offsets: list[Annotated[int, Field(ge=-MAX_OFFSET, le=MAX_OFFSET)]] = Field(
        max_length=MAX_OFFSETS,
        description="距截止日的工作日数：负数为之前，0 为当日，正数为之后；均在 9 时。为空则不定时催办",
        examples=[[-1, 0, 1, 3]],
    )
    sms: bool = Field(default=False, description=_SMS, examples=[False])


class ScheduleOut(BaseModel):
    """When units are reminded of a notice."""

    offsets: list[int] = Field(description="距截止日的工作日数", examples=[[-1, 0, 1, 3]])
    sms: bool = Field(description=_SMS, examples=[False])

    @classmethod
    def of(cls, schedule: ReminderSchedule) -> Self:
        """Convert a schedule."""
        return cls(offsets=schedule.offsets, sms=schedule.sms)


class ReminderOut(BaseModel):
    """A reminder that the own unit got."""

    notice_id: UUID = Field(description="通知")
    title: str = Field(description="通知标题", examples=["关于举办全国学生资助业务培训的通知"])
    reason: ReminderReason = Field(description="催办事由", examples=["unsigned"])
    deadline: datetime | None = Field(description="通知的办理截止时间")
    at: datetime = Field(description="催办时间")

    @classmethod
    def of(cls, row: Reminded) -> Self:
        """Convert a query row."""
        return cls(
            notice_id=row.reminder.notice_id,
            title=row.title,
            reason=row.reminder.reason,
            deadline=row.deadline,
            at=row.reminder.at,
        )
