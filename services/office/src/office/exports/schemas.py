"""API schemas of exports."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.documents import ExportAction, ExportFormat
from contracts.vocabulary import ExportStatus
from jobs.queue import JobView
from office.exports.models import Export
from office.exports.repository import LogLine
from office.exports.service import ExportView


class ExportOut(BaseModel):
    """An export of the caller."""

    id: UUID = Field(description="导出的标识")
    name: str = Field(description="文件名", examples=["答复汇总-关于举办全国学生资助业务培训的通知.xlsx"])
    format: ExportFormat = Field(description="文件格式", examples=["xlsx"])
    subject: str = Field(description="导出的对象", examples=["notice/0192f0c1-7a3b-7c11-9a56-0d5b8f6e2a10"])
    status: ExportStatus = Field(description="状态", examples=["running"])
    done: int | None = Field(description="已处理的行数；尚未开始或已结束时为空", examples=[5000])
    total: int | None = Field(description="预计的总行数", examples=[48000])
    message: str | None = Field(description="进度说明", examples=["已写入 5000 个单位"])
    rows: int = Field(description="文件中的行数，生成后才有", examples=[0])
    size: int = Field(description="文件大小（字节），生成后才有", examples=[0])
    created_at: datetime = Field(description="提出时间")
    finished_at: datetime | None = Field(description="结束时间")

    @classmethod
    def of(cls, export: Export, job: JobView | None = None) -> Self:
        """Convert an export, with the progress of its job."""
        running = job is not None and export.status is ExportStatus.RUNNING
        return cls(
            id=export.id,
            name=export.file_name,
            format=export.format,
            subject=export.subject,
            status=export.status,
            done=job.done if running and job is not None else None,
            total=job.total if running and job is not None else None,
            message=job.message if running and job is not None else None,
            rows=export.rows,
            size=export.size,
            created_at=export.created_at,
            finished_at=export.finished_at,
        )

    @classmethod
    def of_view(cls, view: ExportView) -> Self:
        """Convert an export with its progress."""
        return cls.of(view.export, view.job)


class ExportEventOut(BaseModel):
    """What somebody did with an export."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(description="记录的标识")
    export_id: UUID = Field(description="导出的标识")
    kind: str = Field(description="导出的种类，如 contacts（通讯录）", examples=["contacts"])
    file_name: str = Field(description="文件名", examples=["通讯录-历下区学生资助管理中心.xlsx"])
    action: ExportAction = Field(description="提出或下载", examples=["fetched"])
    by: UUID = Field(description="办理人的标识")
    by_name: str | None = Field(default=None, description="办理人的姓名", examples=["张三"])
    at: datetime = Field(description="时间")
    rows: int = Field(description="文件中的行数；提出时为 0", examples=[120])

    @classmethod
    def of(cls, line: LogLine) -> Self:
        """Convert a record."""
        return cls.model_validate(line.event).model_copy(update={"by_name": line.name})
