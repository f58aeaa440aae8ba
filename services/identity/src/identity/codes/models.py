"""Sent SMS codes and their budgets."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Index, Integer, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from identity.base import Base
from identity.codes import rules
from identity.codes.errors import CodeExhausted, CodeExpired, CodeUsed, TextNotReceived
from identity.codes.rules import ChallengeState
from servicekit.ids import new_id


class SmsCode(Base):
    """One code sent to one number for one purpose and browser; only keyed hashes are stored.

    Several browsers may hold codes for one number at once. Partitioned by day of `id`, and dropped a day
    later.
    """

    __tablename__ = "sms_codes"
    __table_args__ = (
        Index("ix_sms_codes_phone_index_ticket_hash_sent_at", "phone_index", "ticket_hash", "sent_at"),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    phone_index: Mapped[bytes] = mapped_column(LargeBinary)
    ticket_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The asking browser. Null only in rows of the release before."""
    address_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    """No longer written: `CodeBudget` counts. The next release drops it."""
    purpose: Mapped[str] = mapped_column(Text)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary)
    sent_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    def live(self, now: datetime) -> bool:
        """Return whether the code can still be redeemed."""
        return (
            self.used_at is None
            and self.attempts < rules.MAX_ATTEMPTS
            and now < self.sent_at + rules.LIFETIME
        )

    def redeem(self, given_hashes: Sequence[bytes], now: datetime) -> bool:
        """Redeem the code, given by its hashes under the keys in use. Return False and decrement the
        remaining attempts if it is wrong.

        Raises `CodeUsed`, `CodeExpired`, `CodeExhausted`.
        """
        if self.used_at is not None:
            raise CodeUsed
        if self.attempts >= rules.MAX_ATTEMPTS:
            raise CodeExhausted
        if now >= self.sent_at + rules.LIFETIME:
            raise CodeExpired
        if self.code_hash not in given_hashes:
            self.attempts += 1
            return False
        self.used_at = now
        return True


class TextChallenge(Base):
    """Eight digits that the holder of a number is to send from it in a text message (短信上行), for one
    purpose and browser; only keyed hashes are stored.

    Deleted an hour after its end.
    """

    __tablename__ = "text_challenges"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    text_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    """Of number and digits: two browsers never wait for the same text from one number."""
    ticket_hash: Mapped[bytes] = mapped_column(LargeBinary)
    purpose: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
    received_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    def state(self, now: datetime) -> ChallengeState:
        """Return what the browser has to do."""
        if self.used_at is not None:
            return ChallengeState.USED
        if now >= self.expires_at:
            return ChallengeState.EXPIRED
        return ChallengeState.WAITING if self.received_at is None else ChallengeState.RECEIVED

    def receive(self, now: datetime) -> bool:
        """Record that the text has arrived. Return False if it changes nothing."""
        if self.state(now) is not ChallengeState.WAITING:
            return False
        self.received_at = now
        self.expires_at = now + rules.CHALLENGE_LIFETIME
        return True

    def redeem(self, now: datetime) -> None:
        """Use the proof. Raises `TextNotReceived`, `CodeUsed`, `CodeExpired`."""
        state = self.state(now)
        if state is ChallengeState.USED:
            raise CodeUsed
        if state is ChallengeState.EXPIRED:
            raise CodeExpired
        if state is ChallengeState.WAITING:
            raise TextNotReceived
        self.used_at = now


class CodeBudget(Base):
    """Number of codes sent to a number, for a browser, an address, a remembered device or by the deployment
    in the window that ends at `ends_at`; and the captchas that were answered.

    A refused request leaves no row, so that the deployment's total also limits the rows. Rows of expired
    windows are deleted once an hour.
    """

    __tablename__ = "code_budgets"

    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    used: Mapped[int] = mapped_column(Integer)
    ends_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
