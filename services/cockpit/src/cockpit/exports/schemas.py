"""API schemas of exports."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field

from cockpit.cells.dimensions import Calendar, Sector, Tree
from cockpit.exports.models import Export, ExportUse
from cockpit.exports.rules import FileFormat, Subject, UseAction
from cockpit.feeds.rules import FIRST_YEAR, LAST_YEAR
from cockpit.metrics.catalogue import Module
from cockpit.query.schemas import QueryIn
from contracts.vocabulary import ExportStatus
from jobs.queue import JobView


class QueryTable(BaseModel):
    """The answer to a question, which may be larger than `/query` answers."""

    kind: Literal[Subject.QUERY]
    query: QueryIn = Field(description="同指标查询，但一次最多 20,000,000 个数值")


class ViewTable(BaseModel):
    """The table of the places below, as a view shows it."""

    kind: Literal[Subject.VIEW]
    module: Module = Field(description="模块")
    sector: Sector | None = Field(default=None, description="教育类别，默认全部")
    tree: Tree = Field(default=Tree.AUTHORITY, description="按隶属关系或按属地")
    unit: UUID | None = Field(default=None, description="单位（按隶属），默认为本单位")
    region: str | None = Field(
        default=None, pattern=r"^[0-9]{6}$", description="行政区划代码（按属地），默认为本单位所在区划"
    )
    calendar: Calendar | None = Field(default=None, description="日历，默认为本页常用的")
    period: str | None = Field(default=None, max_length=20, description="时期，默认为有数据的最近一期")


class OverviewTable(BaseModel):
    """资助概览 of a unit and a year."""

    kind: Literal[Subject.OVERVIEW]
    unit: UUID | None = Field(default=None, description="单位，默认为本单位；只能是本单位或下级")
    year: int = Field(ge=FIRST_YEAR, le=LAST_YEAR, description="年度（自然年）", examples=[2017])


TableIn = Annotated[QueryTable | ViewTable | OverviewTable, Field(discriminator="kind")]


class ExportIn(BaseModel):
    """Which table is wanted, in which format."""

    table: TableIn = Field(
        description="要导出的表",
        examples=[{"kind": "view", "module": "overview", "calendar": "year", "period": "2024"}],
    )
    format: FileFormat = Field(default=FileFormat.XLSX, description="文件格式")


class ExportOut(BaseModel):
    """A file that is made in the background."""

    id: UUID = Field(description="导出的标识")
    name: str = Field(description="文件名", examples=["指标查询-济南市学生资助管理中心.xlsx"])
    format: FileFormat = Field(description="文件格式")
    status: ExportStatus = Field(description="状态", examples=["running"])
    done: int | None = Field(description="已写入的行数；尚未开始或已结束时为空", examples=[50000])
    lines: int = Field(description="最多可有的行数；没有数据的不成行", examples=[480000])
    message: str | None = Field(description="进度说明", examples=["已写入 50000 行"])
    rows: int = Field(description="文件中的行数，生成后才有", examples=[0])
    size: int = Field(description="文件大小（字节），生成后才有", examples=[0])
    error: str | None = Field(description="未能生成的原因")
    created_at: datetime = Field(description="提出时间")
    finished_at: datetime | None = Field(description="结束时间")
    expires_at: datetime = Field(description="文件保留到何时")

    @classmethod
    def of(cls, export: Export, job: JobView | None = None) -> Self:
        """Convert an export, with the progress of its job."""
        from_job = job if export.status is ExportStatus.RUNNING else None
        return cls(
            id=export.id,
            name=export.file_name,
            format=export.format,
            status=export.status,
            done=None if from_job is None else from_job.done,
            lines=export.lines,
            message=None if from_job is None else from_job.message,
            rows=export.rows,
            size=export.size,
            error=export.error,
            created_at=export.created_at,
            finished_at=export.finished_at,
            expires_at=export.expires_at,
        )


class ExportUseOut(BaseModel):
    """That somebody asked for a file, or fetched it."""

    id: UUID = Field(description="记录的标识")
    at: datetime = Field(description="时间")
    action: UseAction = Field(description="提出（随即得到文件，或由后台生成）或下载后台生成的文件")
    export_id: UUID | None = Field(description="后台生成的导出；直接得到文件的为空")
    subject: Subject = Field(description="导出的内容")
    format: FileFormat = Field(description="文件格式")
    asked: dict[str, Any] = Field(
        description="要导出的表", examples=[{"kind": "overview", "unit": None, "year": 2017}]
    )
    sub: str = Field(description="导出人的账号标识")
    unit_id: UUID = Field(description="导出人所在单位")
    unit_name: str | None = Field(description="导出人所在单位的名称；单位已不存在时为空")

    @classmethod
    def of(cls, found: tuple[ExportUse, str | None]) -> Self:
        """Convert a record and the name of its unit."""
        use, name = found
        return cls(
            id=use.id,
            at=use.at,
            action=use.action,
            export_id=use.export_id,
            subject=use.subject,
            format=use.format,
            asked=use.asked,
            sub=use.sub,
            unit_id=use.unit_id,
            unit_name=name,
        )
