"""Versions of documents, and who has agreed to them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, ForeignKeyConstraint, Text
from sqlalchemy.orm import Mapped, mapped_column

from contracts.vocabulary import PolicyKind
from identity.base import Base
from servicekit.words import Word, known


class PolicyVersion(Base):
    """A version of a document that people may have agreed to, with its text. Kept for ever: a few rows."""

    __tablename__ = "policy_versions"
    __table_args__ = (known("kind", PolicyKind, "kind_known"),)

    kind: Mapped[PolicyKind] = mapped_column(Word(PolicyKind), primary_key=True)
    version: Mapped[str] = mapped_column(Text, primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    published_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Agreement(Base):
    """A person's agreement to one version (PIPL articles 14, 17 and 29). Kept as proof, also of closed
    accounts: it contains no personal data but the id. One that is withdrawn (article 15) counts no more.
    """

    __tablename__ = "agreements"
    __table_args__ = (
        known("kind", PolicyKind, "kind_known"),
        ForeignKeyConstraint(["kind", "version"], ["policy_versions.kind", "policy_versions.version"]),
    )

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    kind: Mapped[PolicyKind] = mapped_column(Word(PolicyKind), primary_key=True)
    version: Mapped[str] = mapped_column(Text, primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    withdrawn_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
