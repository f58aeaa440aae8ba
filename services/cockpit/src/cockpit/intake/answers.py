"""What all ways in have in common: parameters, errors, and answers."""

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import Header, Query, Response
from fastapi.responses import StreamingResponse

from cockpit.analytics import errors as analytics
from cockpit.feeds.declarations import FeedName
from cockpit.intake import errors, members
from cockpit.intake.files import MEDIA_TYPES
from cockpit.intake.quarantine import unkept
from cockpit.intake.record_repository import NO_FAMILY, Family
from cockpit.intake.rejected import KEPT_ROWS
from cockpit.intake.schemas import NAMED, BatchDetail, BatchOut, FamilyOut, FileOut, NoteOut
from cockpit.intake.service import FoundBatch
from cockpit.published.errors import TooManyPublishedLines
from contracts.intake import BatchMode
from filekit.errors import (
    ArchiveTooLarge,
    DiskFull,
    EmptyFile,
    EncryptedArchive,
    EncryptedWorkbook,
    MacroWorkbook,
    MalformedArchive,
    MalformedCsv,
    MalformedWorkbook,
    NestedArchive,
    OldWorkbook,
    SeveralSheets,
    SheetMissing,
    UnknownEncoding,
    UnsafeArchive,
    UnsupportedFileType,
    UnsupportedMember,
    WorkbookTooLarge,
)
from filekit.http import BINARY
from servicekit import problems

_CSV = {
    "schema": {"type": "string", "format": "binary"},
    "example": "year,scope,stage,funding,amount_100m_cny,share_percent,persons_10k\n"
    '2017,"资助总额,不含免费教科书和营养膳食",合计,财政,1210.6,64.32,\n',
}


BODY = {
    "requestBody": {
        "required": True,
        "content": {media: _CSV if media == "text/csv" else BINARY for media in MEDIA_TYPES},
    }
}
FILE_ERRORS = (
    errors.PersonalNumber,
    *(errors.WrongColumns, EmptyFile, errors.BadEncoding, MalformedCsv),
    *(errors.UnsupportedMedia, problems.BodyTooLarge, UnknownEncoding, errors.MalformedParquet),
    *(UnsupportedFileType, OldWorkbook, EncryptedWorkbook, MacroWorkbook, MalformedWorkbook),
    *(WorkbookTooLarge, SeveralSheets, SheetMissing, errors.RowsUnaccounted, errors.MixedEncodings),
    *(MalformedArchive, EncryptedArchive, UnsafeArchive, NestedArchive, UnsupportedMember, ArchiveTooLarge),
    errors.EditionsNotCorrected,
    *analytics.REFUSALS,
)
BATCH_ERRORS = (
    *(errors.BatchKeyRequired, errors.BatchIdReused, errors.BatchDuplicate),
    *(errors.BatchInProgress, errors.BatchSuperseded, errors.FactsIncomplete, DiskFull),
    *(errors.ParentNotFound, errors.RecordsBusy),
    TooManyPublishedLines,
)
Source = Annotated[
    str,
    Query(
        min_length=1,
        max_length=200,
        pattern=NAMED,
        description="数据来源",
        examples=["China Daily, 2018-03-14"],
    ),
]
Feed = Annotated[FeedName, Query(description="数据源")]
UnitOf = Annotated[UUID | None, Query(description="数据所属单位，默认为本单位")]
Mode = Annotated[BatchMode, Query(description="新增、更正或删除记录")]
Resubmits = Annotated[UUID | None, Query(description="补报哪一批次的隔离行；同一单位、同一数据源")]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=8,
        max_length=128,
        pattern=r"^[\x21-\x7e]+$",
        description="同一单位内同一键的重复上传只生效一次；batch_id 与 Idempotency-Key 至少给定一个",
    ),
]


def answered(response: Response, found: FoundBatch, ours: bool) -> BatchOut:
    """Return the answer for a batch that was received, by this request or before."""
    if not ours:
        response.status_code = 200
        response.headers["Idempotency-Replayed"] = "true"
    return BatchOut.of(*found)


def detailed(found: FoundBatch, reasons: dict[str, int], family: Family = NO_FAMILY) -> BatchDetail:
    """Return the answer for a batch, the number of its quarantined rows by reason, and its family."""
    batch = found.batch
    partly = batch.reasons is not None and batch.rejected > KEPT_ROWS
    message = unkept(batch.rejected, KEPT_ROWS) if partly else None
    return BatchDetail(
        batch=BatchOut.of(*found),
        files=[FileOut.of(file) for file in members.restored(batch.files)],
        corrects=list(family.corrects),
        family=FamilyOut(
            resubmissions=[BatchOut.of(*child) for child in family.children],
            accepted=batch.accepted + family.taken,
            outstanding=max(0, batch.rejected - family.taken),
        ),
        rejected_by_reason=reasons,
        notes=NoteOut.all_of(batch.notes),
        message=message,
    )


def attached(batch_id: UUID, rows: AsyncIterator[str]) -> StreamingResponse:
    """Return the answer with the report of a batch."""
    return StreamingResponse(
        rows,
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="quarantine-{batch_id}.csv"',
            "X-Content-Type-Options": "nosniff",
        },
    )
