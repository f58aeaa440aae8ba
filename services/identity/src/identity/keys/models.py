"""Signing keys of the issuer."""

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, DateTime, LargeBinary, Text, false
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from identity.base import Base


class SigningKey(Base):
    """A key pair with an encrypted private key. See `keys.ring` for the life cycle of a key.

    Signs in [activates_at, retired_at), is published in [created_at, withdrawn_at).
    """

    __tablename__ = "signing_keys"

    kid: Mapped[str] = mapped_column(Text, primary_key=True)
    alg: Mapped[str] = mapped_column(Text)
    public_jwk: Mapped[dict[str, Any]] = mapped_column(JSONB)
    private_jwk_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    activates_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    retired_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    withdrawn_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    compromised: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())

    def retire(self, at: datetime, withdrawn_at: datetime) -> None:
        """Stop signing at `at` and leave the JWKS at `withdrawn_at`; never later than already set."""
        self.retired_at = at if self.retired_at is None else min(self.retired_at, at)
        self.withdrawn_at = (
            withdrawn_at if self.withdrawn_at is None else min(self.withdrawn_at, withdrawn_at)
        )
