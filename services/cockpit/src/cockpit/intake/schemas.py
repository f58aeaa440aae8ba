"""API schemas of intake."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from cockpit.directory.models import Unit
from cockpit.directory.schemas import UnitBrief
from cockpit.feeds.crosschecks import TITLES
from cockpit.feeds.declarations import FeedName
from cockpit.intake.loading import Checked
from cockpit.intake.members import MemberFile, place_of
from cockpit.intake.models import Batch
from contracts.intake import BatchFormat, BatchMode, BatchStatus

NAMED = r"^[^\x00-\x1f\x7f]+$"
"""A name without control characters."""


class FileOut(BaseModel):
    """A file of an archive."""

    name: str = Field(description="文件名", examples=["历下区/2024春.csv"])
    accepted: int = Field(description="已接收（或将接收）的行数")
    rejected: int = Field(description="已隔离（或将隔离）的行数")

    @classmethod
    def of(cls, file: MemberFile) -> Self:
        """Convert a file."""
        return cls(name=file.name, accepted=file.accepted, rejected=file.rejected)


class BatchOut(BaseModel):
    """A batch. Its row counts are final when it is committed or rejected."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "01930000-0000-7000-8000-0000000000b1",
                "batch_id": "7b0e5d3c-4c4b-4a52-9d0e-3f1f0a1c2b4d",
                "feed": "published_aggregate",
                "source": "China Daily, 2018-03-14",
                "unit": {
                    "id": "01930000-0000-7000-8000-000000000001",
                    "code": "100000",
                    "name": "全国学生资助管理中心",
                    "level": "ministry",
                },
                "mode": "new",
                "parent_id": None,
                "status": "committed",
                "accepted": 9,
                "rejected": 0,
                "format": "csv",
                "encoding": "utf-8",
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
    batch_id: UUID | None = Field(description="上传方给定的批次号，在单位内唯一")
    feed: FeedName
    source: str
    unit: UnitBrief | None
    mode: BatchMode = Field(description="对已计入记录的作用：新增、更正或删除")
    parent_id: UUID | None = Field(description="补报的原批次；不是补报时为空")
    status: BatchStatus
    accepted: int = Field(description="已接收行数")
    rejected: int = Field(description="已隔离行数")
    format: BatchFormat | None = Field(description="文件格式；旧批次为空")
    encoding: str | None = Field(description="文本的编码：utf-8 或 gb18030（含 GBK）", examples=["utf-8"])
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
                "batch_id": batch.batch_id,
                "feed": batch.feed,
                "source": batch.source,
                "unit": None if unit is None else UnitBrief.model_validate(unit),
                "mode": batch.mode,
                "parent_id": batch.parent_id,
                "status": batch.status,
                "accepted": batch.accepted,
                "rejected": batch.rejected,
                "format": batch.format,
                "encoding": batch.encoding,
                "size_bytes": batch.size_bytes,
                "sha256": batch.sha256.hex(),
                "created_at": batch.created_at,
                "committed_at": batch.committed_at,
                "reversed_at": batch.reversed_at,
                "failure": batch.failure,
            }
        )


class ErrorOut(BaseModel):
    """An error of a row."""

    code: str = Field(description="原因代码", examples=["bad_year"])
    reason: str = Field(description="原因", examples=["年度：年度应为 2000–2099 的四位数字"])
    column: str | None = Field(description="列；整行有误时为空", examples=["year"])


class RejectedRow(BaseModel):
    """A row that would go to the quarantine."""

    file: str | None = Field(default=None, description="压缩包中的文件；不是压缩包时为空")
    line: int = Field(description="在文件中的行号", examples=[3])
    errors: list[ErrorOut] = Field(description="全部错误")
    raw: list[str] = Field(description="各列的内容，个人信息已掩码")

    @classmethod
    def of(cls, row: dict[str, Any], files: Sequence[MemberFile]) -> Self:
        """Convert a rejected row."""
        file, line = place_of(files, row["line"])
        return cls.model_validate({**row, "file": file, "line": line})


class NoteOut(BaseModel):
    """Accepted rows that did not agree with other feeds or the directory."""

    check: str = Field(description="对照的代码", examples=["award_without_enrolment"])
    title: str = Field(description="对照的名称", examples=["受助学生不在籍"])
    rows: int = Field(description="行数", examples=[12])

    @classmethod
    def all_of(cls, notes: Mapping[str, int] | None) -> list[Self]:
        """Convert the notes of a batch."""
        return [
            cls(check=code, title=TITLES.get(code, code), rows=rows) for code, rows in (notes or {}).items()
        ]


class CheckOut(BaseModel):
    """What a file would become."""

    format: BatchFormat = Field(description="文件格式")
    encoding: str | None = Field(description="文本的编码：utf-8 或 gb18030（含 GBK）", examples=["utf-8"])
    headings: list[str] = Field(description="文件的各列", examples=[["年度", "学段"]])
    accepted: int = Field(description="将接收的行数")
    rejected: int = Field(description="将隔离的行数")
    rejected_by_reason: dict[str, int] = Field(
        description="按原因代码统计的行数；一行有多种错误时分别计入", examples=[{"unknown_unit": 2}]
    )
    rows: list[RejectedRow] = Field(description="前 100 条将隔离的行")
    files: list[FileOut] = Field(description="压缩包中的各文件；不是压缩包时为空")
    notes: list[NoteOut] = Field(
        description="将计入、但与其他数据源或单位目录不符的行数；含因其他原因将隔离的行"
    )

    @classmethod
    def of(cls, checked: Checked) -> Self:
        """Convert the result of a dry run."""
        return cls(
            format=checked.format,
            encoding=checked.encoding,
            headings=checked.headings,
            accepted=checked.accepted,
            rejected=checked.rejected,
            rejected_by_reason=dict(checked.reasons.most_common()),
            rows=[RejectedRow.of(row, checked.files) for row in checked.rows],
            files=[FileOut.of(file) for file in checked.files],
            notes=NoteOut.all_of(checked.notes),
        )


class FamilyOut(BaseModel):
    """A batch and those that sent its quarantined rows again."""

    resubmissions: list[BatchOut] = Field(description="补报本批次隔离行的批次，按时间；最多 100 个")
    accepted: int = Field(description="本批次与各补报批次计入的行数之和", examples=[998])
    outstanding: int = Field(description="尚未补报成功的隔离行数", examples=[2])


class BatchDetail(BaseModel):
    """A batch, with the number of quarantined rows per reason."""

    batch: BatchOut
    files: list[FileOut] = Field(description="压缩包中的各文件及其行数；不是压缩包时为空")
    corrects: list[UUID] = Field(description="被本批次更正、删除或重新报送了记录的批次；最多 100 个")
    family: FamilyOut = Field(description="隔离行的补报情况")
    rejected_by_reason: dict[str, int] = Field(
        description="按原因代码统计的隔离行数", examples=[{"unknown_unit": 2, "looks_like_id_number": 1}]
    )
    notes: list[NoteOut] = Field(
        description="入库时与其他数据源、单位目录不符而计入的行数；现在仍不符的见该批次的 inconsistencies"
    )
    message: str | None = Field(
        description="隔离行过多、只保存了前一部分时的说明",
        examples=["共隔离 12000 行，仅保存前 10000 行，其余 2000 行只计数；请改正后重新上传。"],
    )
