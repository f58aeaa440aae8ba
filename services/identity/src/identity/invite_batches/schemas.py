"""Schemas of invitations by a table."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from contracts.vocabulary import InviteBatchStatus, InviteResult, Open, Role
from identity.invite_batches.models import InviteBatch, InviteBatchRow
from identity.names import PersonName, UnitName


class InviteBatchOut(BaseModel):
    """A table of people to invite, and how far it is."""

    id: UUID
    unit_id: UUID
    unit_name: Annotated[str | None, UnitName("unit_id")] = None
    file_name: str = Field(description="文件名")
    created_by: UUID = Field(description="上传人的标识")
    created_by_name: Annotated[str | None, PersonName("created_by")] = None
    created_at: datetime = Field(description="上传时间")
    status: InviteBatchStatus
    total: int = Field(description="总行数")
    wrong: int = Field(description="有错误的行数")
    sent: int = Field(description="已发送的行数")
    refused: int = Field(description="未发送的行数，如已属于本单位")
    postponed: int = Field(description="超出当日限额的行数，可于次日继续发送")
    finished_at: datetime | None = Field(description="结束时间")

    @classmethod
    def of(cls, row: InviteBatch) -> "InviteBatchOut":
        """Return the schema of a batch."""
        return cls(
            id=row.id,
            unit_id=row.unit_id,
            file_name=row.file_name,
            created_by=row.created_by,
            created_at=row.created_at,
            status=row.status,
            total=row.total,
            wrong=row.wrong,
            sent=row.sent,
            refused=row.refused,
            postponed=row.postponed,
            finished_at=row.finished_at,
        )


class InviteRowOut(BaseModel):
    """One row of a table."""

    number: int = Field(description="行号")
    name: str | None = Field(description="姓名")
    phone_masked: str | None
    roles: list[Open[Role]]
    posts: list[str]
    result: InviteResult = Field(description="结果")
    errors: list[str] = Field(description="全部错误")

    @classmethod
    def of(cls, row: InviteBatchRow) -> "InviteRowOut":
        """Return the schema of a row."""
        return cls(
            number=row.number,
            name=row.name,
            phone_masked=row.phone_masked,
            roles=list(row.roles),
            posts=row.posts,
            result=row.result,
            errors=row.errors,
        )
