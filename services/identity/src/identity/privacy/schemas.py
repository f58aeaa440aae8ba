"""Schemas of exports and closings."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.vocabulary import ExportStatus
from identity.privacy.models import DataExport
from identity.privacy.rules import EXPORT_KEPT


class DataExportOut(BaseModel):
    """A copy of the caller's data."""

    id: UUID = Field(description="导出的标识")
    status: ExportStatus = Field(description="生成情况")
    requested_at: datetime
    finished_at: datetime | None = Field(description="完成时间")
    expires_at: datetime = Field(description="文件删除时间")

    @classmethod
    def of(cls, row: DataExport) -> "DataExportOut":
        """Return an export."""
        return cls(
            id=row.id,
            status=row.status,
            requested_at=row.requested_at,
            finished_at=row.finished_at,
            expires_at=row.requested_at + EXPORT_KEPT,
        )


class ClosingOut(BaseModel):
    """A request to close the caller's account."""

    model_config = ConfigDict(from_attributes=True)

    requested_at: datetime
    due_at: datetime = Field(description="注销时间；在此之前可以取消")
