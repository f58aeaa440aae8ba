"""Versions of policy standards, and the record of their changes: some hundred rows, kept for ever."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cockpit.base import Base
from cockpit.standards.errors import StandardInvalid, StandardWithdrawn
from cockpit.standards.rules import Basis, Certainty, Tier, Version
from contracts.vocabulary import Vocabulary
from servicekit.ids import new_id
from servicekit.words import Word, known


class StandardAction(Vocabulary):
    """What happened to a version."""

    LOADED = "loaded", "随系统载入"
    CREATED = "created", "新增"
    ENDED = "ended", "终止"
    CORRECTED = "corrected", "更正"
    WITHDRAWN = "withdrawn", "作废"


FIGURES = (
    "basis",
    "days",
    "amount",
    "lowest",
    "highest",
    "document_number",
    "certainty",
    "source",
    "note",
)
"""What a correction may change, besides the days."""
RECORDED = ("programme", "stage", "tier", "region", "valid_from", "valid_to", *FIGURES)
"""What the record of changes keeps."""


class Standard(Base):
    """A version of a standard. No two of one programme, stage, tier and region hold on the same day."""

    __tablename__ = "standards"
    __table_args__ = (
        known("tier", Tier, "tier_known"),
        known("basis", Basis, "basis_known"),
        known("certainty", Certainty, "certainty_known"),
        CheckConstraint("valid_to >= valid_from", name="days_in_order"),
        CheckConstraint("region ~ '^[0-9]{6}$'", name="region_is_code"),
        CheckConstraint("basis = 'exempt' OR num_nonnulls(amount, highest) > 0", name="has_amount"),
        CheckConstraint(
            "coalesce(lowest, 0) >= 0 AND coalesce(lowest, 0) <= coalesce(amount, highest, lowest)"
            " AND coalesce(amount, 0) <= coalesce(highest, amount)",
            name="amounts_in_order",
        ),
        UniqueConstraint("seed"),
        ExcludeConstraint(
            ("programme", "="),
            ("stage", "="),
            ("tier", "="),
            ("region", "="),
            (func.daterange(text("valid_from"), text("valid_to"), text("'[]'")), "&&"),
            where=text("withdrawn_at IS NULL"),
            name="ex_standards_no_overlap",
        ),
        Index("ix_standards_programme", "programme", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    seed: Mapped[str | None] = mapped_column(Text, comment="key in the file of the package")
    programme: Mapped[str] = mapped_column(Text)
    stage: Mapped[str] = mapped_column(Text, comment="empty: every stage of the programme")
    tier: Mapped[Tier] = mapped_column(Word(Tier))
    region: Mapped[str] = mapped_column(Text, comment="GB/T 2260; 000000 is the country")
    valid_from: Mapped[date | None] = mapped_column(Date, comment="null: the beginning is not known")
    valid_to: Mapped[date | None] = mapped_column(Date, comment="the last day; null: until further notice")
    basis: Mapped[Basis] = mapped_column(Word(Basis))
    days: Mapped[int | None] = mapped_column(Integer, comment="a year, for what is paid by days")
    amount: Mapped[Decimal | None] = mapped_column(Numeric(12, 2), comment="yuan, paid or paid on average")
    lowest: Mapped[Decimal | None] = mapped_column(Numeric(12, 2), comment="yuan")
    highest: Mapped[Decimal | None] = mapped_column(Numeric(12, 2), comment="yuan")
    document_number: Mapped[str] = mapped_column(Text, comment="文号")
    certainty: Mapped[Certainty] = mapped_column(Word(Certainty))
    source: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    withdrawn_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    def end(self, last: date, now: datetime) -> None:
        """Let the version hold until `last`, at the latest until it ended before.

        Raises `StandardInvalid`, `StandardWithdrawn`.
        """
        self._change(now)
        if (self.valid_from is not None and last < self.valid_from) or (
            self.valid_to is not None and last > self.valid_to
        ):
            raise StandardInvalid("终止日期应在标准的有效期之内。")
        self.valid_to = last

    def correct(self, changes: dict[str, Any], now: datetime) -> None:
        """Replace days and figures. Raises `StandardInvalid`, `StandardWithdrawn`."""
        self._change(now)
        for name, value in changes.items():
            setattr(self, name, value)
        self.check()

    def withdraw(self, now: datetime) -> None:
        """Take the version back, as if it had never held. Raises `StandardWithdrawn`."""
        self._change(now)
        self.withdrawn_at = now

    def check(self) -> None:
        """Raise `StandardInvalid` if days or figures contradict each other."""
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise StandardInvalid("截止日期不能早于起始日期。")
        if self.basis is not Basis.EXEMPT and self.amount is None and self.highest is None:
            raise StandardInvalid("应填写标准金额或最高金额。")
        figures = [one for one in (self.lowest, self.amount, self.highest) if one is not None]
        if figures != sorted(figures):
            raise StandardInvalid("最低金额、标准金额、最高金额应从小到大。")
        if (self.days is not None) is not (self.basis is Basis.DAYS):
            raise StandardInvalid("按天计算的标准应填写每学年天数，其他标准不填。")

    def _change(self, now: datetime) -> None:
        if self.withdrawn_at is not None:
            raise StandardWithdrawn
        self.version += 1
        self.changed_at = now

    @property
    def rule(self) -> Version:
        """The version as the rules see it."""
        return Version(
            programme=self.programme,
            stage=self.stage,
            tier=self.tier,
            region=self.region,
            valid_from=self.valid_from,
            valid_to=self.valid_to,
            basis=self.basis,
            certainty=self.certainty,
            amount=self.amount,
            lowest=self.lowest,
            highest=self.highest,
            days=self.days,
            document_number=self.document_number,
            source=self.source,
        )

    @property
    def state(self) -> dict[str, Any]:
        """What the record of changes keeps of the version."""
        return recorded({name: getattr(self, name) for name in RECORDED})


def recorded(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of a version as the record of changes keeps them: texts, amounts to the fen."""

    def text_of(value: Any) -> Any:
        if value is None or isinstance(value, int):
            return value
        return f"{value:.2f}" if isinstance(value, Decimal) else str(value)

    return {name: text_of(values[name]) for name in RECORDED}


class StandardChange(Base):
    """A change of a version: who, when, why, and the version before and after.

    Append-only: triggers refuse updates and deletes.
    """

    __tablename__ = "standard_changes"
    __table_args__ = (
        known("action", StandardAction, "action_known"),
        UniqueConstraint("standard_id", "version"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    standard_id: Mapped[UUID] = mapped_column(ForeignKey("standards.id"))
    version: Mapped[int] = mapped_column(Integer)
    action: Mapped[StandardAction] = mapped_column(Word(StandardAction))
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    by: Mapped[str | None] = mapped_column(Text, comment="subject of the token; null: the service itself")
    client_id: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    after: Mapped[dict[str, Any]] = mapped_column(JSONB)
    correlation_id: Mapped[str | None] = mapped_column(Text)
