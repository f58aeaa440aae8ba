"""What the device flow remembers (RFC 8628)."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Index, Integer, LargeBinary, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from identity.base import Base
from identity.grants.models import Grant
from identity.oauth.device import rules
from identity.vault import Vault


def user_code_hash(vault: Vault, user_code: str) -> bytes:
    """How a user code is stored: it is short, so under a key."""
    return vault.index("device-user-code", user_code)


class DeviceCode(Base):
    """One device's request, from its codes to its tokens.

    `device_code` is found by `id`, which it contains, and stored as a hash; `user_code` under a keyed hash:
    it is short. Of use for ten minutes; partitioned by day of `id`, and dropped a day later.
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
    # Without a foreign key: grants are partitioned and pruned on their own.
    grant_id: Mapped[UUID | None]
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    grant: Mapped[Grant | None] = relationship(
        primaryjoin="foreign(DeviceCode.grant_id) == Grant.id", viewonly=True
    )

    def open(self, now: datetime) -> bool:
        """Whether the person can still decide."""
        return self.denied_at is None and self.grant_id is None and now < self.expires_at

    def allow(self, grant: Grant) -> None:
        """The person has said yes."""
        self.grant_id = grant.id

    def deny(self, now: datetime) -> None:
        """The person has said no."""
        self.denied_at = now

    def poll(self, now: datetime) -> bool:
        """Note a poll; False, and a longer interval, if it comes too soon (§3.5)."""
        hasty = self.polled_at is not None and now < self.polled_at + timedelta(seconds=self.interval)
        if hasty:
            self.interval += rules.INTERVAL
        self.polled_at = now
        return not hasty

    # What the ID token is made from, as of an authorization code.
    def get_nonce(self) -> str | None:
        """None: a device sends none."""
        return None

    def get_auth_time(self) -> int | None:
        """When the person authenticated at the browser."""
        return None if self.grant is None else self.grant.auth_time

    def get_acr(self) -> str | None:
        """How strongly."""
        return None if self.grant is None else self.grant.acr

    def get_amr(self) -> list[str]:
        """By what means (RFC 8176)."""
        return [] if self.grant is None else self.grant.amr

    def get_scope(self) -> str:
        """What was asked for and granted: a person allows all of it or nothing."""
        return self.scope


class DeviceTries(Base):
    """Wrong user codes of one person or from one address (§5.1), in a window that begins with the first.

    One row each; of no use once the window is over: pruned by
    `DELETE ... WHERE since < now() - interval '1 day'`.
    """

    __tablename__ = "device_tries"

    key_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    since: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    tries: Mapped[int] = mapped_column(Integer)
