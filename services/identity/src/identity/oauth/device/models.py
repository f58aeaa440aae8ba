"""State of the device flow (RFC 8628)."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Index, Integer, LargeBinary, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from identity.base import Base
from identity.grants.models import Grant
from identity.oauth.device import rules
from identity.vault import Vault

_USER_CODE = "device-user-code"


def user_code_hash(vault: Vault, user_code: str) -> bytes:
    """Hash a user code with a key, because it is short."""
    return vault.index(_USER_CODE, user_code)


def user_code_hashes(vault: Vault, user_code: str) -> list[bytes]:
    """Return the hashes under every key, to look up a code."""
    return vault.indexes(_USER_CODE, user_code)


class DeviceCode(Base):
    """One device's request, from its codes to its tokens.

    `device_code` contains `id`, by which it is found, and is stored as a hash. `user_code` is short and
    stored as a keyed hash. Valid for ten minutes; partitioned by day of `id`, and dropped a day later.
    """

    __tablename__ = "device_codes"
    __table_args__ = (
        Index("ix_device_codes_user_code_hash", "user_code_hash"),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary)
    user_code_hash: Mapped[bytes] = mapped_column(LargeBinary)
    client_id: Mapped[str] = mapped_column(ForeignKey("clients.client_id"))
    scope: Mapped[str] = mapped_column(Text)
    resources: Mapped[list[str]] = mapped_column(ARRAY(Text))
    issued_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    interval: Mapped[int] = mapped_column(Integer, default=rules.INTERVAL)
    polled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    denied_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # No foreign key: grants are partitioned and pruned independently.
    grant_id: Mapped[UUID | None]
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    grant: Mapped[Grant | None] = relationship(
        primaryjoin="foreign(DeviceCode.grant_id) == Grant.id", viewonly=True
    )

    def open(self, now: datetime) -> bool:
        """Return whether the person can still decide."""
        return self.denied_at is None and self.grant_id is None and now < self.expires_at

    def allow(self, grant: Grant) -> None:
        """Store the person's approval."""
        self.grant_id = grant.id

    def deny(self, now: datetime) -> None:
        """Store the person's denial."""
        self.denied_at = now

    def poll(self, now: datetime) -> bool:
        """Record a poll. Return False and increase the interval if it comes too soon (§3.5)."""
        hasty = self.polled_at is not None and now < self.polled_at + timedelta(seconds=self.interval)
        if hasty:
            self.interval += rules.INTERVAL
        self.polled_at = now
        return not hasty

    # Sources of the ID token, as in an authorization code.
    def get_nonce(self) -> str | None:
        """Return None: a device sends no nonce."""
        return None

    def get_auth_time(self) -> int | None:
        """Return when the person authenticated at the browser."""
        return None if self.grant is None else self.grant.auth_time

    def get_acr(self) -> str | None:
        """Return the level of authentication."""
        return None if self.grant is None else self.grant.acr

    def get_amr(self) -> list[str]:
        """Return the authentication methods (RFC 8176)."""
        return [] if self.grant is None else self.grant.amr

    def get_scope(self) -> str:
        """Return the requested and granted scope: a person approves all of it or nothing."""
        return self.scope


class DeviceTries(Base):
    """Failed user codes of one person or from one address (§5.1), in a window that starts with the first.

    One row each; unused after the window, and deleted a day later by `device_tries.prune`.
    """

    __tablename__ = "device_tries"

    key_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    since: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    tries: Mapped[int] = mapped_column(Integer)
