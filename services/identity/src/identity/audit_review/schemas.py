"""Schemas of the audit API."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from contracts.vocabulary import Open
from identity.audit.actions import AuditAction
from identity.audit.models import AuditRecord, AuditSeal
from identity.audit_review.models import AuditExport
from identity.audit_review.repository import Filters
from jobs.queue import JobView


class AuditRecordOut(BaseModel):
    """One row of the audit log. It has no personal data except ids, and the names of a correction; the names
    of ids are those of today.
    """

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    at: datetime = Field(description="发生的时间")
    actor: str | None = Field(
        description="操作人的 sub，或客户端、operator（运维命令）、schedule（定时任务）"
    )
    action: Open[AuditAction] = Field(description="动作", examples=["account.suspended"])
    target_id: str | None = Field(description="对象的标识")
    correlation_id: str | None = Field(description="请求编号")
    details: dict[str, Any] = Field(description="其他内容")
    actor_name: str | None = Field(
        default=None, description="操作人的姓名或接入系统的名称；运维命令、定时任务和已注销的人员为空"
    )
    target_name: str | None = Field(
        default=None,
        description="对象的姓名、单位或接入系统的名称、邀请所属单位；其他对象和已注销的人员为空",
    )
    subject_name: str | None = Field(default=None, description="details.sub 所指人员的姓名")
    unit_name: str | None = Field(default=None, description="details.unit 所指单位的名称")

    @classmethod
    def of(cls, row: AuditRecord, names: Mapping[str, str]) -> "AuditRecordOut":
        """Return a row with the names of what is in it."""
        found = cls.model_validate(row)
        found.actor_name = names.get(row.actor or "")
        found.target_name = names.get(row.target_id or "")
        found.subject_name = names.get(str(row.details.get("sub")))
        found.unit_name = names.get(str(row.details.get("unit")))
        return found


class AuditSealOut(BaseModel):
    """The seal of a batch: all rows whose id is in [from_id, until_id)."""

    number: int = Field(description="批次号，连续")
    from_id: UUID = Field(description="第一个可能的记录标识")
    until_id: UUID = Field(description="其后第一个不属于本批的标识")
    rows: int = Field(description="记录数")
    digest: str = Field(description="摘要（SHA-256，十六进制），包含上一批的摘要")
    previous_digest: str | None = Field(description="上一批的摘要")
    signature: str | None = Field(description="JWS，用 /jwks 中的密钥签名")
    sealed_at: datetime = Field(description="封存时间")

    @classmethod
    def of(cls, seal: AuditSeal) -> "AuditSealOut":
        """Return the seal for the API."""
        return cls(
            number=seal.number,
            from_id=seal.from_id,
            until_id=seal.until_id,
            rows=seal.rows,
            digest=seal.digest.hex(),
            previous_digest=None if seal.previous_digest is None else seal.previous_digest.hex(),
            signature=seal.signature,
            sealed_at=seal.sealed_at,
        )


class AuditExportIn(BaseModel):
    """What to export, and why."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "since": "2026-11-01T00:00:00+08:00",
                "until": "2026-12-01T00:00:00+08:00",
                "reason": "十一月例行审计",
            }
        },
    )

    since: AwareDatetime = Field(description="从何时起")
    until: AwareDatetime = Field(description="到何时为止（不含）")
    actor: str | None = Field(default=None, max_length=200, description="操作人的标识")
    action: str | None = Field(default=None, max_length=100, description="动作")
    target: str | None = Field(default=None, max_length=200, description="对象的标识")
    correlation_id: str | None = Field(default=None, max_length=200, description="请求编号")
    reason: str = Field(min_length=2, max_length=200, description="导出的原因，记入审计日志")

    def filters(self) -> Filters:
        """Return the filters."""
        return Filters(self.since, self.until, self.actor, self.action, self.target, self.correlation_id)


class AuditExportOut(BaseModel):
    """An export and its progress."""

    id: UUID
    requested_by: UUID = Field(description="请求导出的人的标识")
    requested_by_name: str | None = Field(description="请求导出的人的姓名；已注销的为空")
    filters: dict[str, str] = Field(description="导出的条件")
    state: str = Field(
        description="queued 等待、running 进行中、succeeded 完成、dead 失败、cancelled 已取消",
        examples=["running"],
    )
    message: str | None = Field(description="进度")
    rows: int | None = Field(description="记录数，完成后才有")
    size: int | None = Field(description="文件的字节数，完成后才有")
    sha256: str | None = Field(description="文件的 SHA-256，完成后才有")
    manifest: str | None = Field(description="签名清单（JWS），完成后才有")
    created_at: datetime = Field(description="请求导出的时间")
    finished_at: datetime | None = Field(description="完成的时间")
    expires_at: datetime = Field(description="文件删除的时间")

    @classmethod
    def of(cls, export: AuditExport, job: JobView | None, names: Mapping[str, str]) -> "AuditExportOut":
        """Return the export for the API."""
        done = "succeeded" if export.finished_at is not None else "queued"
        return cls(
            id=export.id,
            requested_by=export.requested_by,
            requested_by_name=names.get(str(export.requested_by)),
            filters=export.filters,
            state=done if job is None or export.finished_at is not None else job.state,
            message=None if job is None else job.message,
            rows=export.rows,
            size=export.size,
            sha256=None if export.sha256 is None else export.sha256.hex(),
            manifest=export.manifest,
            created_at=export.created_at,
            finished_at=export.finished_at,
            expires_at=export.expires_at,
        )
