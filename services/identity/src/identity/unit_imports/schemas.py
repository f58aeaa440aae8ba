"""Schemas of imports and exports."""

from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contracts.vocabulary import (
    ExportStatus,
    FileFormat,
    Kind,
    Level,
    UnitImportResult,
    UnitImportStatus,
    UnitStatus,
)
from identity.names import PersonName, UnitName
from identity.unit_imports.models import UnitExport, UnitImport, UnitImportRow
from identity.unit_imports.rules import HEADING_OF
from jobs.kinds import State
from jobs.queue import JobView

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=200)]
DocumentNumber = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
FileName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f/\\]+$"),
]


class ProgressOut(BaseModel):
    """How far the running step has come; `stalled` says that it has failed and needs an operator."""

    done: int
    total: int | None
    message: str | None
    stalled: bool

    @classmethod
    def of(cls, job: JobView | None) -> Self | None:
        """Return the progress of a job that has not succeeded."""
        if job is None or job.state in (State.SUCCEEDED, State.CANCELLED):
            return None
        return cls(done=job.done, total=job.total, message=job.message, stalled=job.state == State.DEAD)


class UnitImportOut(BaseModel):
    """An import: its file, its state and the numbers of its rows by result."""

    id: UUID
    root_id: UUID
    root_name: Annotated[str | None, UnitName("root_id")] = None
    created_by: UUID
    created_by_name: Annotated[str | None, PersonName("created_by")] = None
    created_at: datetime
    file_name: str
    file_size: int
    format: FileFormat
    effective_on: date
    reason: str
    document_number: str | None
    status: UnitImportStatus
    problem: str | None
    total: int
    new: int
    changed: int
    unchanged: int
    wrong: int
    applied: int
    refused: int
    has_failed_rows: bool
    finished_at: datetime | None
    progress: ProgressOut | None

    @classmethod
    def of(cls, row: UnitImport, job: JobView | None = None) -> Self:
        """Return the import as the API shows it."""
        values = {
            name: getattr(row, name)
            for name in cls.model_fields
            if name not in ("root_name", "created_by_name", "has_failed_rows", "progress")
        }
        return cls(**values, has_failed_rows=row.failed_file_id is not None, progress=ProgressOut.of(job))


class ImportRowOut(BaseModel):
    """One row of the file, with what the import does with it and why not."""

    model_config = ConfigDict(from_attributes=True)

    number: int
    result: UnitImportResult | None
    applied: bool
    code: str | None
    parent_code: str | None
    name: str | None
    errors: list[str]
    changes: list[str] = Field(examples=[["单位名称", "上级单位代码"]])

    @classmethod
    def of(cls, row: UnitImportRow) -> Self:
        """Return the row as the API shows it."""
        shown = cls.model_validate(row)
        shown.changes = [HEADING_OF[name] for name in row.changes]
        return shown


class ApplyIn(BaseModel):
    """Whether rows that are wrong are left out."""

    model_config = ConfigDict(extra="forbid")

    skip_wrong: bool = Field(default=False, examples=[True])


class ExportIn(BaseModel):
    """The subtree to export."""

    model_config = ConfigDict(extra="forbid")

    unit_id: UUID
    format: FileFormat = FileFormat.XLSX
    levels: Annotated[list[Level], Field(max_length=6)] = Field(default=[], examples=[["county"]])
    kinds: Annotated[list[Kind], Field(max_length=4)] = Field(default=[], examples=[["student_aid"]])
    unit_status: UnitStatus | None = Field(default=UnitStatus.ACTIVE, examples=["active"])
    include_closed: bool = Field(
        default=False, description="同时导出已撤销的单位，其“状态”列为已撤销；再次导入时显示为无变化"
    )


class UnitExportOut(BaseModel):
    """An export and its state."""

    id: UUID
    root_id: UUID
    root_name: Annotated[str | None, UnitName("root_id")] = None
    created_at: datetime
    format: FileFormat
    levels: list[Level]
    kinds: list[Kind]
    unit_status: UnitStatus | None
    status: ExportStatus
    file_size: int
    total: int
    finished_at: datetime | None
    progress: ProgressOut | None

    @classmethod
    def of(cls, row: UnitExport, job: JobView | None = None) -> Self:
        """Return the export as the API shows it."""
        derived = ("root_name", "progress")
        values = {name: getattr(row, name) for name in cls.model_fields if name not in derived}
        return cls(**values, progress=ProgressOut.of(job))
