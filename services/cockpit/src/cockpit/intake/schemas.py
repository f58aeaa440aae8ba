"""API schemas of intake."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from cockpit.directory.models import Unit
from cockpit.directory.schemas import UnitBrief
from cockpit.intake.feeds import Feed, FeedName
from cockpit.intake.models import Batch
from contracts.intake import BatchStatus


class ColumnOut(BaseModel):
    """A column of a feed; the heading of a file can use either name."""

    name: str = Field(examples=["year"])
    chinese: str = Field(examples=["年度"])


class FeedOut(BaseModel):
    """A type of file that intake accepts."""

    name: FeedName
    title: str = Field(examples=["已发布的汇总数据"])
    columns: list[ColumnOut]
    scope: str | None = Field(description="口径；为空时由每行自带")

    @classmethod
    def of(cls, feed: Feed) -> Self:
        """Convert a declared feed."""
        columns = [ColumnOut(name=column.name, chinese=column.chinese) for column in feed.columns]
        return cls(name=feed.name, title=feed.title, columns=columns, scope=feed.scope)


class BatchOut(BaseModel):
    """A batch. Its row counts are final when it is committed."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "01930000-0000-7000-8000-0000000000b1",
                "feed": "published_aggregate",
                "source": "China Daily, 2018-03-14",
                "unit": {
                    "id": "01930000-0000-7000-8000-000000000001",
                    "code": "100000",
                    "name": "全国学生资助管理中心",
                    "level": "ministry",
                },
                "status": "committed",
                "accepted": 9,
                "rejected": 0,
                "size_bytes": 756,
                "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                "created_at": "2026-03-02T01:00:00Z",
                "committed_at": "2026-03-02T01:00:01Z",
                "reversed_at": None,
                "failure": None,
            }
        }
    )

    id: UUID
    feed: FeedName
    source: str
    unit: UnitBrief | None
    status: BatchStatus
    accepted: int = Field(description="已接收行数")
    rejected: int = Field(description="已隔离行数")
    size_bytes: int
    sha256: str
    created_at: datetime
    committed_at: datetime | None
    reversed_at: datetime | None
    failure: str | None = Field(description="失败原因代码")

    @classmethod
    def of(cls, batch: Batch, unit: Unit | None) -> Self:
        """Convert a stored batch and its unit."""
        return cls.model_validate(
            {
                "id": batch.id,
                "feed": batch.feed,
                "source": batch.source,
                "unit": None if unit is None else UnitBrief.model_validate(unit),
                "status": batch.status,
                "accepted": batch.accepted,
                "rejected": batch.rejected,
                "size_bytes": batch.size_bytes,
                "sha256": batch.sha256.hex(),
                "created_at": batch.created_at,
                "committed_at": batch.committed_at,
                "reversed_at": batch.reversed_at,
                "failure": batch.failure,
            }
        )


class BatchDetail(BaseModel):
    """A batch, with the number of quarantined rows per reason."""

    batch: BatchOut
    rejected_by_reason: dict[str, int] = Field(
        description="按原因代码统计的隔离行数", examples=[{"unknown_unit": 2, "looks_like_id_number": 1}]
    )
