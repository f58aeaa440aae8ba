"""Imports and exports of units, the rows of an import, and the files of both."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from contracts.vocabulary import ExportStatus, FileFormat, UnitImportResult, UnitImportStatus, UnitStatus
from identity.base import Base
from identity.unit_imports.errors import ImportNotReady
from servicekit.ids import new_id
from servicekit.words import Word, known

EVENTS_UP_TO = 5_000
"""Units that an import announces one by one; after a larger one, copies are rebuilt."""


class UnitFile(Base):
    """A piece of an uploaded or made file: in the database, so that every process has it and it is committed
    with the row that refers to it.
    """

    __tablename__ = "unit_files"

    file_id: Mapped[UUID] = mapped_column(primary_key=True)
    part: Mapped[int] = mapped_column(Integer, primary_key=True)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class UnitImport(Base):
    """A file that opens and changes units below `root_id`.

    Deleted after 30 days, with all that belongs to it.
    """

    __tablename__ = "unit_imports"
    __table_args__ = (
        known("status", UnitImportStatus, "status_known"),
        known("format", FileFormat, "format_known"),
        Index("ix_unit_imports_root_id", "root_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    root_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"))
    created_by: Mapped[UUID] = mapped_column()
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
    file_name: Mapped[str] = mapped_column(Text)
    file_id: Mapped[UUID] = mapped_column()
    file_size: Mapped[int] = mapped_column(BigInteger)
    format: Mapped[FileFormat] = mapped_column(Word(FileFormat))
    headings: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default=text("'{}'"))
    """The headings of the file."""
    effective_on: Mapped[date] = mapped_column(
        Date, server_default=text("(now() AT TIME ZONE 'Asia/Shanghai')::date")
    )
    reason: Mapped[str] = mapped_column(Text)
    document_number: Mapped[str | None] = mapped_column(Text)
    status: Mapped[UnitImportStatus] = mapped_column(Word(UnitImportStatus))
    job_id: Mapped[UUID | None] = mapped_column()
    problem: Mapped[str | None] = mapped_column(Text)
    """Why the whole file cannot be imported, in Chinese."""
    total: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    new: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    changed: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    unchanged: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    wrong: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    applied: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    refused: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    failed_file_id: Mapped[UUID | None] = mapped_column()
    cancel_requested: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    @property
    def is_small(self) -> bool:
        """Return whether the units are announced one by one."""
        return self.new + self.changed <= EVENTS_UP_TO

    def begin_to_apply(self, job_id: UUID) -> None:
        """Start the import of the checked rows. Raises `ImportNotReady`."""
        if self.status != UnitImportStatus.CHECKED:
            raise ImportNotReady
        self.status = UnitImportStatus.APPLYING
        self.job_id = job_id

    def cancel(self, now: datetime) -> None:
        """Ask to stop; what has been imported stays. Raises `ImportNotReady` if it has ended."""
        if self.status == UnitImportStatus.CHECKED:
            self.end(UnitImportStatus.CANCELLED, now)
        elif self.status in (UnitImportStatus.CHECKING, UnitImportStatus.APPLYING):
            self.cancel_requested = True
        else:
            raise ImportNotReady

    def end(self, status: UnitImportStatus, now: datetime, problem: str | None = None) -> None:
        """End the import."""
        self.status = status
        self.finished_at = now
        self.problem = problem


class UnitImportRow(Base):
    """One row of a file, with its result.

    `unit_id` is that of the existing unit with the code, otherwise the id of the new one. `seen_version` is
    the version of an existing unit when it was compared with the row, None for a new one. `depth` orders the
    new units: parents first.
    """

    __tablename__ = "unit_import_rows"
    __table_args__ = (
        Index("ix_unit_import_rows_code", "import_id", "code"),
        Index(
            "ix_unit_import_rows_to_apply",
            "import_id",
            "depth",
            "number",
            postgresql_where=text("result IN ('new', 'changed') AND NOT applied"),
        ),
        Index(
            "ix_unit_import_rows_failed",
            "import_id",
            "number",
            postgresql_where=text("result IN ('wrong', 'refused')"),
        ),
        known("result", UnitImportResult, "result_known"),
    )

    import_id: Mapped[UUID] = mapped_column(
        ForeignKey("unit_imports.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    unit_id: Mapped[UUID] = mapped_column()
    code: Mapped[str | None] = mapped_column(Text)
    parent_code: Mapped[str | None] = mapped_column(Text)
    name: Mapped[str | None] = mapped_column(Text)
    short_name: Mapped[str | None] = mapped_column(Text)
    level: Mapped[str | None] = mapped_column(Text)
    kind: Mapped[str | None] = mapped_column(Text)
    stages: Mapped[list[str]] = mapped_column(ARRAY(Text))
    region_code: Mapped[str | None] = mapped_column(Text)
    duty_phone: Mapped[str | None] = mapped_column(Text)
    address: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str | None] = mapped_column(Text)
    """What the file says of the unit's status: it is compared, and never changed by an import."""
    errors: Mapped[list[str]] = mapped_column(ARRAY(Text))
    raw: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default=text("'{}'"))
    """The fields as they were sent, in the order of the import's headings."""
    result: Mapped[UnitImportResult | None] = mapped_column(Word(UnitImportResult))
    seen_version: Mapped[int | None] = mapped_column(BigInteger)
    changes: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default=text("'{}'"))
    """The columns in which an existing unit changes."""
    moves: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    differs: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    depth: Mapped[int | None] = mapped_column(Integer)
    applied: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))


class UnitExport(Base):
    """A file of the units at and below `root_id`. Deleted, with its file, after 30 days."""

    __tablename__ = "unit_exports"
    __table_args__ = (
        known("status", ExportStatus, "status_known"),
        known("format", FileFormat, "format_known"),
        known("unit_status", UnitStatus, "unit_status_known"),
        Index("ix_unit_exports_created_by", "created_by", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    root_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"))
    created_by: Mapped[UUID] = mapped_column()
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
    format: Mapped[FileFormat] = mapped_column(Word(FileFormat))
    levels: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default=text("'{}'"))
    kinds: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default=text("'{}'"))
    unit_status: Mapped[UnitStatus | None] = mapped_column(
        # None is a value of its own, not the absence of one, for which SQLAlchemy would write the default.
        Word(UnitStatus).evaluates_none(),
        default=UnitStatus.ACTIVE,
        server_default=text("'active'"),
    )
    """The status of the units to export; None: all."""
    acting_unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("units.id"))
    """The unit that the person acts for; None only in rows of the first release."""
    status: Mapped[ExportStatus] = mapped_column(Word(ExportStatus))
    job_id: Mapped[UUID | None] = mapped_column()
    file_id: Mapped[UUID] = mapped_column()
    file_size: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    total: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    def end(self, status: ExportStatus, now: datetime, size: int = 0, total: int = 0) -> None:
        """End the export."""
        self.status = status
        self.finished_at = now
        self.file_size = size
        self.total = total
