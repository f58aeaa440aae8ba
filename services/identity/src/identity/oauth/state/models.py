"""Authorization codes."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import (
    DateTime,
    LargeBinary,
    Text,
)
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from identity.base import Base
from identity.grants.models import Grant


class AuthorizationCode(Base):
    """One authorization code (RFC 6749 §4.1.2). Used ones are kept, so that reuse is noticed.

    Lives for a minute; partitioned by day of `id`, which is in the code, and dropped a day later.
    """

    __tablename__ = "authorization_codes"
    __table_args__ = {"postgresql_partition_by": "RANGE (id)"}  # noqa: RUF012

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary)
    grant_id: Mapped[UUID]
    redirect_uri: Mapped[str] = mapped_column(Text)
    nonce: Mapped[str | None] = mapped_column(Text)
    code_challenge: Mapped[str] = mapped_column(Text)
    issued_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    grant: Mapped[Grant] = relationship(
        primaryjoin=lambda: foreign(AuthorizationCode.grant_id) == Grant.id, lazy="joined", innerjoin=True
    )

    code_challenge_method = "S256"

    def expired(self, now: datetime, seconds: int) -> bool:
        """Whether the code is too old."""
        return now >= self.issued_at + timedelta(seconds=seconds)

    # Authlib's AuthorizationCodeMixin
    def get_redirect_uri(self) -> str:
        """The redirect URI of the authorization request."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """The granted scope."""
        return self.grant.scope

    def get_nonce(self) -> str | None:
        """The nonce of the authorization request."""
        return self.nonce

    def get_auth_time(self) -> int | None:
        """When the person authenticated."""
        return self.grant.auth_time

    def get_acr(self) -> str | None:
        """How strongly the person authenticated."""
        return self.grant.acr

    def get_amr(self) -> list[str]:
        """By what means (RFC 8176)."""
        return self.grant.amr
