"""API schemas of uploads."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, Field

from cockpit.feeds.declarations import FeedName
from cockpit.uploads.models import Upload
from contracts.intake import BatchMode, UploadStatus
from jobs.queue import JobView


class UploadIn(BaseModel):
    """A file that will arrive in parts."""

    feed: FeedName = Field(description="数据源")
    source: str = Field(
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f]+$",
        description="数据来源",
        examples=["某省学生资助管理系统"],
    )
    unit: UUID | None = Field(default=None, description="数据所属单位，默认为本单位")
    batch_id: UUID | None = Field(default=None, description="批次号，由上传方给定，在单位内唯一")
    mode: BatchMode = Field(default=BatchMode.NEW, description="新增、更正或删除记录")
    resubmits: UUID | None = Field(default=None, description="补报哪一批次的隔离行；同一单位、同一数据源")
    content_type: str = Field(
        max_length=200, description="文件的 Content-Type，可带 charset", examples=["text/csv; charset=utf-8"]
    )
    size_bytes: int = Field(ge=1, description="文件大小（字节）", examples=[1073741824])
    sha256: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{64}$",
        description="整个文件的 SHA-256（十六进制小写），收齐后核对，不符则不接收",
    )


class UploadOut(BaseModel):
    """An upload and how far it has come."""

    id: UUID = Field(description="上传的标识")
    feed: FeedName = Field(description="数据源")
    source: str = Field(description="数据来源")
    unit_id: UUID = Field(description="数据所属单位")
    batch_id: UUID | None = Field(description="上传方给定的批次号")
    mode: BatchMode = Field(description="对已计入记录的作用：新增、更正或删除")
    parent_id: UUID | None = Field(description="补报的原批次；不是补报时为空")
    status: UploadStatus = Field(description="状态")
    size_bytes: int = Field(description="文件大小（字节）")
    received: int = Field(description="已收到的字节数；从该处续传")
    rows: int = Field(description="已校验的行数")
    message: str | None = Field(description="进度说明", examples=["已校验 120000 行"])
    batch: UUID | None = Field(description="形成的批次，完成后可查")
    failure: str | None = Field(description="失败原因代码")
    reason: str | None = Field(description="失败原因")
    created_at: datetime = Field(description="开始时间")

    @classmethod
    def of(cls, row: Upload, job: JobView | None = None) -> Self:
        """Convert an upload and its job."""
        return cls(
            id=row.id,
            feed=FeedName(row.feed),
            source=row.source,
            unit_id=row.unit_id,
            batch_id=row.batch_id,
            mode=row.mode,
            parent_id=row.parent_id,
            status=row.status,
            size_bytes=row.size_bytes,
            received=row.received,
            rows=0 if job is None else job.done,
            message=None if job is None else job.message,
            batch=row.batch,
            failure=row.failure,
            reason=row.reason,
            created_at=row.created_at,
        )
